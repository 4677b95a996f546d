//! The story in four steps: write, read as two people, be refused, see the evidence.

use rdkafka::error::RDKafkaErrorCode;
use serde_json::Value;

use crate::Result;
use crate::checks::Checks;
use crate::client::Client;
use crate::evidence::{self, Files, Row};
use crate::page::{Page, Tone, cell};
use crate::people::{ANA, LENA};
use crate::records::{Field, PAYMENTS, REFUSED_TICKET, Sight, Story, TICKETS};

const RULE_AGAINST_CARD_NUMBERS: &str = "no-card-number-in-ticket";

/// Who takes part, where it is told, and what is checked of it.
pub struct Teller<'a> {
    pub page: &'a Page,
    pub checks: &'a mut Checks,
    pub shop: Client<'a>,
    pub lena: Client<'a>,
    pub ana: Client<'a>,
    pub files: Files,
}

impl Teller<'_> {
    /// Tells it, and checks everything that is told.
    pub fn tell(&mut self) -> Result<()> {
        self.write()?;
        self.page.heading(2, "Two people read the same records, each with a token of their own");
        for story in [&PAYMENTS, &TICKETS] {
            self.read(story)?;
        }
        self.be_refused()?;
        self.show_evidence()
    }

    fn write(&mut self) -> Result<()> {
        self.page.heading(1, "A service called shop writes through Lockgate");
        for story in [&PAYMENTS, &TICKETS] {
            let deliveries = self.shop.write(story.topic, story.records)?;
            let stored = deliveries.iter().filter(|delivery| delivery.is_ok()).count();
            let text = format!("{stored} records stored in {}", story.topic);
            self.page.line(Tone::Plain, &text);
            self.checks.that(stored == story.records.len(), text);
        }
        Ok(())
    }

    /// Shows the first record as both people see it, and checks all of them.
    fn read(&mut self, story: &Story) -> Result<()> {
        let written = parsed(story.records)?;
        let for_lena = self.lena.read(story.topic)?;
        let for_ana = self.ana.read(story.topic)?;
        let (lena, ana) = (parsed(&for_lena)?, parsed(&for_ana)?);
        self.show(story, [first(&written)?, first(&lena)?, first(&ana)?]);
        self.check_sights(story, &written, "lena", &lena, |field| field.lena);
        self.check_sights(story, &written, "ana", &ana, |field| field.ana);
        for secret in story.secrets {
            let leaked = for_ana.iter().any(|record| record.contains(secret));
            self.checks.that(!leaked, format!("ana reads {secret} in {}", story.topic));
        }
        self.note_equal_tokens(story, &ana);
        Ok(())
    }

    fn show(&self, story: &Story, [written, lena, ana]: [&Value; 3]) {
        let seen = |field: &Field, record| match field.of(record) {
            value if value == field.of(written) => cell(&shown(value), Tone::Good),
            value => cell(&shown(value), Tone::Masked),
        };
        let rows = story
            .fields
            .iter()
            .map(|field| vec![cell(field.path, Tone::Plain), seen(field, lena), seen(field, ana)]);
        let titles = [story.topic, &LENA.title(), &ANA.title()];
        self.page.table(&[25, 33, 38], &titles, &rows.collect::<Vec<_>>());
    }

    fn check_sights(
        &mut self,
        story: &Story,
        written: &[Value],
        reader: &str,
        read: &[Value],
        sight: impl Fn(&Field) -> Sight,
    ) {
        let topic = story.topic;
        self.checks.that(read.len() == written.len(), format!("{reader} reads all of {topic}"));
        for (written, read) in written.iter().zip(read) {
            for field in story.fields {
                let holds = sight(field).holds(field.of(written), field.of(read));
                let what = format!("{reader} sees {} of {topic}", field.path);
                self.checks.that(holds, what);
            }
        }
    }

    /// Payments 1 and 3 are of one customer: their tokens are equal, and no other's.
    fn note_equal_tokens(&mut self, story: &Story, read: &[Value]) {
        let email = story.fields.iter().find(|field| field.sight_for_ana_is_a_token());
        let (Some(email), [one, two, three]) = (email, read) else { return };
        let tokens = [one, two, three].map(|record| email.of(record));
        let [one, two, three] = tokens;
        self.checks.that(one == three && one != two, "equal values get equal tokens");
        self.page.line(
            Tone::Faint,
            "The third payment is of the same customer and has the same tokens: joins still work.",
        );
    }

    fn be_refused(&mut self) -> Result<()> {
        self.page
            .heading(3, "A ticket with a card number in its text is refused, and never stored");
        let deliveries = self.shop.write(TICKETS.topic, &[REFUSED_TICKET])?;
        let told = match deliveries.first() {
            Some(Err(code)) => code.to_string(),
            Some(Ok(_)) | None => "no error".to_owned(),
        };
        let refused = deliveries == [Err(RDKafkaErrorCode::InvalidRecord)];
        self.checks.that(refused, format!("the refused client got {told}"));
        let rows = self.files.rows_when(|rows| refusal(rows).is_some())?;
        let reason = refusal(&rows).map(|row| row.message.clone()).unwrap_or_default();
        let (rule, message) = reason.split_once(": ").unwrap_or_default();
        self.checks.that(rule == RULE_AGAINST_CARD_NUMBERS, "the audit row names the rule");
        let tickets = self.lena.read(TICKETS.topic)?;
        self.checks
            .that(tickets.len() == TICKETS.records.len(), "the refused ticket is not stored");
        for (name, text) in [
            ("shop sends", REFUSED_TICKET),
            ("and is told", &told),
            ("by the rule", rule),
            ("which says", message),
        ] {
            self.page.line(Tone::Plain, &format!("{name:<13}{text}"));
        }
        let stored = format!("{:<13}{} tickets, as before", "lena reads", tickets.len());
        self.page.line(Tone::Plain, &stored);
        Ok(())
    }

    fn show_evidence(&mut self) -> Result<()> {
        self.page.heading(4, "Every decision has an audit row, here read back from Parquet files");
        let rows = self.files.rows_when(|rows| evidence::EXPECTED.iter().all(|e| e.is_in(rows)))?;
        for expected in evidence::EXPECTED {
            self.checks.that(expected.is_in(&rows), format!("an audit row {expected:?}"));
        }
        let decisions = rows.iter().filter(|row| row.event == "decision" && !row.topic.is_empty());
        let titles = ["WHO", "API", "TOPIC", "DECISION", "MASKED", "RULES"];
        let lines: Vec<_> = decisions.map(Row::cells).collect();
        let others = rows.len().saturating_sub(lines.len());
        self.page.table(&[5, 8, 23, 14, 7, 42], &titles, &lines);
        let text =
            format!("and {others} more on logins, sessions, single records and the policies");
        self.page.line(Tone::Faint, &text);
        let text = "(shadow) is a rule on trial: it says what it would refuse, and refuses nothing";
        self.page.line(Tone::Faint, text);
        Ok(())
    }
}

fn parsed<T: AsRef<str>>(records: &[T]) -> Result<Vec<Value>> {
    Ok(records
        .iter()
        .map(|record| serde_json::from_str(record.as_ref()))
        .collect::<serde_json::Result<_>>()?)
}

fn first(records: &[Value]) -> Result<&Value> {
    Ok(records.first().ok_or("a topic is empty")?)
}

fn refusal(rows: &[Row]) -> Option<&Row> {
    let denied = |row: &&Row| row.decision == "deny" && row.is_enforced();
    rows.iter().filter(denied).find(|row| row.event == "decision")
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "(removed)".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
