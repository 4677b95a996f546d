//! Globs over topic names, whose segments are parted by dots: `payments.**`, `crm.*.v1`, `!crm.x`.

use super::glob::{Case, Glob, GlobError};

/// A list of topic globs: a name matches if one of them matches and no exclusion does.
///
/// `*` is one segment, or any characters within one (`pay*`); `**` is any number of segments, none
/// too, so `payments.**` also matches `payments`; a leading `!` excludes. Order does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopicGlobs {
    included: Vec<TopicGlob>,
    excluded: Vec<TopicGlob>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TopicGlob {
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Segment {
    One(Option<Glob>),
    AnyNumber,
}

impl TopicGlobs {
    /// Compiles a list. The empty list matches nothing.
    ///
    /// # Errors
    /// As `Glob::new`; `DoubleStar`; `OnlyExclusions`.
    pub fn new<S: AsRef<str>>(globs: &[S]) -> Result<Self, GlobError> {
        let (mut included, mut excluded) = (Vec::new(), Vec::new());
        for glob in globs {
            match glob.as_ref().strip_prefix('!') {
                Some(rest) => excluded.push(TopicGlob::new(rest)?),
                None => included.push(TopicGlob::new(glob.as_ref())?),
            }
        }
        if included.is_empty() && !excluded.is_empty() {
            return Err(GlobError::OnlyExclusions);
        }
        Ok(Self { included, excluded })
    }

    /// Whether the whole of `topic` matches. Case counts, as it does in Kafka.
    pub fn matches(&self, topic: &str) -> bool {
        self.included.iter().any(|glob| glob.matches(topic))
            && !self.excluded.iter().any(|glob| glob.matches(topic))
    }
}

impl TopicGlob {
    fn new(text: &str) -> Result<Self, GlobError> {
        if text.is_empty() {
            return Err(GlobError::Empty);
        }
        let segments = text.split('.').map(Segment::new).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { segments })
    }

    fn matches(&self, topic: &str) -> bool {
        // `rest` is what is left to match; `None` is behind the last segment.
        let (mut at, mut rest) = (0_usize, Some(topic));
        let mut retry: Option<(usize, Option<&str>)> = None;
        loop {
            let next = match (self.segments.get(at), rest) {
                (None, None) => return true,
                (Some(Segment::AnyNumber), _) => {
                    retry = Some((at + 1, rest));
                    Some(rest)
                }
                (Some(Segment::One(glob)), Some(names)) => {
                    let (name, behind) = first_segment(names);
                    let fits = match glob {
                        Some(glob) => glob.matches(name),
                        None => name.is_empty(),
                    };
                    fits.then_some(behind)
                }
                (Some(Segment::One(_)), None) | (None, Some(_)) => None,
            };
            match (next, retry) {
                (Some(behind), _) => (at, rest) = (at + 1, behind),
                (None, Some((star_at, Some(names)))) => {
                    let (_, behind) = first_segment(names);
                    retry = Some((star_at, behind));
                    (at, rest) = (star_at, behind);
                }
                (None, _) => return false,
            }
        }
    }
}

impl Segment {
    fn new(text: &str) -> Result<Self, GlobError> {
        match text {
            "" => Ok(Self::One(None)),
            "**" => Ok(Self::AnyNumber),
            _ if text.contains("**") => Err(GlobError::DoubleStar),
            _ => Ok(Self::One(Some(Glob::new(text, Case::Sensitive)?))),
        }
    }
}

fn first_segment(names: &str) -> (&str, Option<&str>) {
    match names.split_once('.') {
        Some((name, behind)) => (name, Some(behind)),
        None => (names, None),
    }
}
