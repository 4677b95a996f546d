//! Codecs and buffers of content work, shared by all connections, and one record's time on the
//! desk.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::refusal::{RECORD_ERRORS_MAX, Refusal};
use super::view::{View, header_facts};
use super::{Place, Tally};
use crate::enforce::error_code;
use crate::field::{FieldKind, Masked, PatternBits, Scope};
use crate::format::{Format, Hits, Json, Opaque};
use crate::policy::{Effect, Plan, Verdict};
use crate::record::{Batch, Codecs, Edit, Record, Replacement};

/// Sets of tools kept ready; more connections at work at once make their own.
const TOOLS_KEPT_MAX: usize = 8;

/// What stands in the place of a value that could not be read: a JSON text.
const UNREADABLE_MARKER: &[u8] = b"\"[redacted]\"";

/// Record sets from here on are worked on in the workshop.
const HEAVY_BYTES: usize = 64 * 1024;

/// A place for work that takes long, where it holds up nobody else.
pub trait Workshop: Send + Sync {
    /// Runs `work` once, and comes back when it is done.
    fn run(&self, work: &mut dyn FnMut());
}

/// Tools that no connection uses right now, and where long work with them is done.
#[derive(Default)]
pub struct ToolPool {
    idle: Mutex<Vec<Tools>>,
    workshop: Option<Arc<dyn Workshop>>,
}

impl ToolPool {
    /// Tools with which long work is done in `workshop`; without one it is done on the spot.
    #[must_use]
    pub fn with_workshop(workshop: Arc<dyn Workshop>) -> Self {
        Self { idle: Mutex::default(), workshop: Some(workshop) }
    }

    /// Lends tools for work on a record set of so many bytes.
    pub(in crate::enforce) fn work<T>(
        &self,
        bytes: usize,
        mut work: impl FnMut(&mut Tools) -> T,
    ) -> T {
        let mut tools = self.idle.lock().pop().unwrap_or_default();
        let mut done = None;
        if let Some(workshop) = self.workshop.as_ref().filter(|_| bytes >= HEAVY_BYTES) {
            workshop.run(&mut || done = Some(work(&mut tools)));
        }
        let done = done.unwrap_or_else(|| work(&mut tools));
        tools.codecs.trim();
        let mut idle = self.idle.lock();
        if idle.len() < TOOLS_KEPT_MAX {
            idle.push(tools);
        }
        done
    }
}

/// Codecs and buffers that one batch after another is judged with.
#[derive(Default)]
pub struct Tools {
    codecs: Codecs,
    verdict: Verdict,
    buffers: Buffers,
}

#[derive(Default)]
struct Buffers {
    value_hits: Hits,
    key_hits: Hits,
    scratch: String,
    /// The texts of all masks of one document, one behind the other.
    texts: String,
}

impl Tools {
    /// The codecs, and the desk that the batch's records are judged on.
    pub(super) fn split<'t>(
        &'t mut self,
        plan: &'t Plan,
        place: Place<'t>,
        batch: &Batch<'t>,
    ) -> (&'t mut Codecs, Desk<'t>) {
        let desk = Desk {
            plan,
            place,
            batch: *batch,
            verdict: &mut self.verdict,
            buffers: &mut self.buffers,
            key_format: &Json,
        };
        (&mut self.codecs, desk)
    }
}

/// One record after the other: judged, then masked or refused.
pub(super) struct Desk<'t> {
    plan: &'t Plan,
    place: Place<'t>,
    batch: Batch<'t>,
    pub verdict: &'t mut Verdict,
    buffers: &'t mut Buffers,
    /// How the record on the desk has its key written.
    key_format: &'static dyn Format,
}

impl Desk<'_> {
    pub fn offset(&self, record: &Record<'_>) -> i64 {
        self.batch.header().offset(record.offset_delta)
    }

    /// Reads what the plan needs of the record, and judges it.
    pub fn judge(&mut self, record: &Record<'_>) -> Effect {
        let needs = self.plan.needs();
        let buffers = &mut *self.buffers;
        let mut value_readable = true;
        if needs.value
            && let Some(value) = record.value
        {
            let paths = self.plan.paths(Scope::Value);
            value_readable = Json.scan(value, paths, &mut buffers.value_hits).is_ok();
        }
        let mut key_readable = true;
        if needs.key
            && let Some(key) = record.key
        {
            let paths = self.plan.paths(Scope::Key);
            self.key_format = &Json;
            key_readable = Json.scan(key, paths, &mut buffers.key_hits).is_ok();
            if !key_readable {
                // A key that is no JSON is one text.
                self.key_format = &Opaque;
                key_readable = Opaque.scan(key, paths, &mut buffers.key_hits).is_ok();
            }
        }
        let view = View {
            record,
            timestamp_ms: self.batch.header().timestamp_ms(record.timestamp_delta),
            offset: self.batch.header().offset(record.offset_delta),
            partition: self.place.partition,
            value_hits: &buffers.value_hits,
            value_readable,
            key_hits: &buffers.key_hits,
            key_readable,
            plan: self.plan,
        };
        self.plan.judge(&view, self.verdict);
        self.verdict.effect
    }

    /// Adds a refused record to the batch's refusal.
    pub fn refuse(&self, record: &Record<'_>, refusal: &mut Option<Refusal>) {
        let Some(denial) = &self.verdict.denial else { return };
        let index = usize::try_from(record.offset_delta).ok();
        let refusal = refusal.get_or_insert_with(|| {
            Refusal::of(denial, self.place.topic, index, error_code(denial.code))
        });
        for rule in &denial.rules {
            if !refusal.rules.contains(rule) {
                refusal.rules.push(Arc::clone(rule));
            }
        }
        if refusal.records.len() < RECORD_ERRORS_MAX {
            let text = denial.message.render(self.place.topic, index);
            refusal.records.push((record.offset_delta, text));
        }
    }

    /// Masks what the rules that matched select in value, key and headers.
    pub fn mask(
        &mut self,
        record: &Record<'_>,
        replacement: &mut Replacement,
        tally: &mut Tally,
    ) -> Edit {
        let mut masked = false;
        let needs = self.plan.needs();
        if needs.value
            && let Some(value) = record.value
        {
            masked |= self.mask_document(Scope::Value, value, replacement, tally);
        }
        if needs.key
            && let Some(key) = record.key
        {
            masked |= self.mask_document(Scope::Key, key, replacement, tally);
        }
        if needs.headers {
            masked |= self.mask_headers(record, replacement, tally);
        }
        if !masked {
            return Edit::Keep;
        }
        tally.masked_record();
        Edit::Replace
    }

    fn mask_document(
        &mut self,
        scope: Scope,
        document: &[u8],
        replacement: &mut Replacement,
        tally: &mut Tally,
    ) -> bool {
        let Buffers { value_hits, key_hits, scratch, texts } = &mut *self.buffers;
        let (format, hits): (&dyn Format, &Hits) = match scope {
            Scope::Key => (self.key_format, key_hits),
            Scope::Value | Scope::Headers => (&Json, value_hits),
        };
        texts.clear();
        let mut planned: SmallVec<[(usize, Planned); 8]> = SmallVec::new();
        for (index, hit) in hits.iter().enumerate() {
            if hit.kind == FieldKind::Null {
                continue;
            }
            let Some(rule) = self.plan.mask_for(self.verdict, scope, &hit.patterns) else {
                continue;
            };
            let text = hit.text(document);
            let masked = rule.mask.apply(hit.kind, &text, scratch);
            planned.push((index, Planned::of(masked, texts)));
            tally.masked(rule);
        }
        if planned.is_empty() {
            return false;
        }
        let edits: SmallVec<[(usize, Masked<'_>); 8]> =
            planned.iter().map(|(index, planned)| (*index, planned.masked(texts))).collect();
        let out = match scope {
            Scope::Key => replacement.key_buffer(),
            Scope::Value | Scope::Headers => replacement.value_buffer(),
        };
        if format.splice(document, hits, &edits, out).is_err() {
            // The hits are this document's, so this is not reached; if it were, nothing may leak.
            out.clear();
            out.extend_from_slice(UNREADABLE_MARKER);
        }
        true
    }

    fn mask_headers(
        &mut self,
        record: &Record<'_>,
        replacement: &mut Replacement,
        tally: &mut Tally,
    ) -> bool {
        let mut any = false;
        for (index, (name, value)) in record.headers.iter().enumerate() {
            let Some(value) = value else { continue };
            let patterns: PatternBits = header_facts(self.plan, name);
            let Some(rule) = self.plan.mask_for(self.verdict, Scope::Headers, &patterns) else {
                continue;
            };
            let text = String::from_utf8_lossy(value);
            match rule.mask.apply(FieldKind::Text, &text, &mut self.buffers.scratch) {
                Masked::Null => replacement.set_header(index, None),
                Masked::Remove => replacement.remove_header(index),
                Masked::Text(text) | Masked::Number(text) => {
                    replacement.set_header(index, Some(text.as_bytes()));
                }
            }
            tally.masked(rule);
            any = true;
        }
        any
    }

    /// Replaces a value that could not be read; a null stays null, which is a tombstone.
    pub fn redact(
        &mut self,
        record: &Record<'_>,
        replacement: &mut Replacement,
        tally: &mut Tally,
    ) -> Edit {
        // Other rules may select in the parts that can be read.
        let needs = self.plan.needs();
        let mut masked = false;
        if needs.key
            && let Some(key) = record.key
        {
            masked |= self.mask_document(Scope::Key, key, replacement, tally);
        }
        if needs.headers {
            masked |= self.mask_headers(record, replacement, tally);
        }
        if record.value.is_some() {
            replacement.set_value(Some(UNREADABLE_MARKER));
            tally.redacted(self.place.topic);
            masked = true;
        }
        if !masked {
            return Edit::Keep;
        }
        tally.masked_record();
        Edit::Replace
    }
}

/// A mask's answer, its text kept in one buffer for all.
enum Planned {
    Null,
    Remove,
    Text(usize, usize),
    Number(usize, usize),
}

impl Planned {
    fn of(masked: Masked<'_>, texts: &mut String) -> Self {
        let start = texts.len();
        match masked {
            Masked::Null => Self::Null,
            Masked::Remove => Self::Remove,
            Masked::Text(text) => {
                texts.push_str(text);
                Self::Text(start, texts.len())
            }
            Masked::Number(text) => {
                texts.push_str(text);
                Self::Number(start, texts.len())
            }
        }
    }

    fn masked<'t>(&self, texts: &'t str) -> Masked<'t> {
        match self {
            Self::Null => Masked::Null,
            Self::Remove => Masked::Remove,
            Self::Text(start, end) => Masked::Text(texts.get(*start..*end).unwrap_or_default()),
            Self::Number(start, end) => Masked::Number(texts.get(*start..*end).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what it runs, and does not run all of it.
    #[derive(Default)]
    struct Lazy {
        asked: Mutex<u32>,
    }

    impl Workshop for Lazy {
        fn run(&self, work: &mut dyn FnMut()) {
            *self.asked.lock() += 1;
            if *self.asked.lock() == 1 {
                work();
            }
        }
    }

    #[test]
    fn long_work_is_done_in_the_workshop_and_once() {
        let workshop = Arc::new(Lazy::default());
        let pool = ToolPool::with_workshop(Arc::clone(&workshop) as Arc<dyn Workshop>);
        let mut done = 0;
        for bytes in [HEAVY_BYTES - 1, HEAVY_BYTES, HEAVY_BYTES] {
            pool.work(bytes, |_| done += 1);
        }
        assert_eq!((done, *workshop.asked.lock()), (3, 2));
    }
}
