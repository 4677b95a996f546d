//! What is written, and what each reader must see of it by the sample policies.

use serde_json::Value;

/// One topic of the story.
pub struct Story {
    pub topic: &'static str,
    pub records: &'static [&'static str],
    /// The fields that are shown and checked.
    pub fields: &'static [Field],
    /// Texts of the records that nobody but Lena may find in what was read.
    pub secrets: &'static [&'static str],
}

/// One field, by its path in the record and what the readers must see of it.
pub struct Field {
    /// As policies write it, without `$.`.
    pub path: &'static str,
    pub lena: Sight,
    pub ana: Sight,
}

/// How a value arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// As it was written.
    Clear,
    /// Stars, and the last four letters.
    LastFour,
    /// `tok_…`: the same for the same value.
    Token,
    /// A fixed text.
    Label(&'static str),
    /// Not at all.
    Removed,
}

pub static PAYMENTS: Story = Story {
    topic: "payments.eu.captured",
    records: &[
        concat!(
            r#"{"id":"p-1","amount":129.95,"card":{"pan":"4111111111111111","cvv":"123"},"#,
            r#""customer":{"email":"jane@example.com","phone":"+49 151 000000"}}"#
        ),
        concat!(
            r#"{"id":"p-2","amount":18.75,"card":{"pan":"5500005555555559","cvv":"907"},"#,
            r#""customer":{"email":"omar@example.com","phone":"+33 6 000000"}}"#
        ),
        concat!(
            r#"{"id":"p-3","amount":42.25,"card":{"pan":"4111111111111111","cvv":"123"},"#,
            r#""customer":{"email":"jane@example.com","phone":"+49 151 000000"}}"#
        ),
    ],
    fields: &[
        Field { path: "id", lena: Sight::Clear, ana: Sight::Clear },
        Field { path: "amount", lena: Sight::Clear, ana: Sight::Clear },
        Field { path: "card.pan", lena: Sight::Clear, ana: Sight::LastFour },
        Field { path: "card.cvv", lena: Sight::Removed, ana: Sight::Removed },
        Field { path: "customer.email", lena: Sight::Clear, ana: Sight::Token },
        Field { path: "customer.phone", lena: Sight::Clear, ana: Sight::Token },
    ],
    secrets: &["4111111111111111", "5500005555555559", "jane@", "omar@", "+49 151", "+33 6"],
};

pub static TICKETS: Story = Story {
    topic: "support.tickets.opened",
    records: &[
        concat!(
            r#"{"id":"t-1","text":"Please call me back","#,
            r#""customer":{"name":"Jane Roe","email":"jane@example.com","country":"DE"},"#,
            r#""note":"asked twice"}"#
        ),
        concat!(
            r#"{"id":"t-2","text":"Where is my parcel?","#,
            r#""customer":{"name":"Omar Diaz","email":"omar@example.com","country":"FR"},"#,
            r#""note":"be patient"}"#
        ),
    ],
    fields: &[
        Field { path: "id", lena: Sight::Clear, ana: Sight::Clear },
        Field { path: "text", lena: Sight::Clear, ana: Sight::Clear },
        Field { path: "customer.name", lena: Sight::Clear, ana: Sight::Label("[customer]") },
        Field { path: "customer.email", lena: Sight::Clear, ana: Sight::Label("[customer]") },
        Field { path: "customer.country", lena: Sight::Clear, ana: Sight::Clear },
        Field { path: "note", lena: Sight::Clear, ana: Sight::Label("[internal note]") },
    ],
    secrets: &["Jane Roe", "Omar Diaz", "jane@", "omar@", "asked twice", "be patient"],
};

/// A ticket that the rule `no-card-number-in-ticket` refuses.
pub const REFUSED_TICKET: &str =
    r#"{"id":"t-3","text":"My card 4111 1111 1111 1111 was charged twice"}"#;

impl Field {
    /// Its value in a record, null too; `None` where the record has no such field.
    pub fn of<'a>(&self, record: &'a Value) -> Option<&'a Value> {
        self.path.split('.').try_fold(record, |at, name| at.get(name))
    }

    pub fn sight_for_ana_is_a_token(&self) -> bool {
        self.ana == Sight::Token
    }
}

impl Sight {
    /// Whether `read` is what a value arrives as that was `written`.
    pub fn holds(self, written: Option<&Value>, read: Option<&Value>) -> bool {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        match self {
            Sight::Clear => written.is_some() && written == read,
            Sight::Removed => read.is_none(),
            Sight::Label(label) => text(read).as_deref() == Some(label),
            Sight::Token => text(read).is_some_and(|text| text.starts_with("tok_")),
            Sight::LastFour => {
                text(written).is_some_and(|written| Some(last_four(&written)) == text(read))
            }
        }
    }
}

fn last_four(text: &str) -> String {
    let hidden = text.chars().count().saturating_sub(4);
    "*".repeat(hidden).chars().chain(text.chars().skip(hidden)).collect()
}
