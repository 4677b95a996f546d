//! Who takes part: a service that writes, and two people who read.

/// Somebody who logs in with a token of their own.
pub struct Person {
    pub name: &'static str,
    /// What the token's `groups` claim says; the sample policies decide by it.
    pub groups: &'static [&'static str],
}

/// The service that writes payments and tickets.
pub const SHOP: Person = Person { name: "shop", groups: &["services"] };
/// Handles refunds: may see card numbers and who wrote a ticket.
pub const LENA: Person = Person { name: "lena", groups: &["pci-ops", "support-leads"] };
/// Counts and joins: needs the shape of the data, not the people in it.
pub const ANA: Person = Person { name: "ana", groups: &["analytics"] };

pub const EVERYBODY: [&Person; 3] = [&SHOP, &LENA, &ANA];

impl Person {
    /// `lena (pci-ops, support-leads)`.
    pub fn title(&self) -> String {
        format!("{} ({})", self.name, self.groups.join(", "))
    }
}
