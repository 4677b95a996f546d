//! What a plan says about one record.

use smallvec::SmallVec;

use super::decision::{Denial, Effect};

/// The number of a rule in its plan.
pub type RuleIndex = u16;

/// The judgement over one record. It is filled again for each record, without allocating, unless
/// the record is refused.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What happens to the record.
    pub effect: Effect,
    /// Why, if it is refused.
    pub denial: Option<Denial>,
    /// The rules that matched and are enforced; see `Plan::rule_id`.
    pub rules: SmallVec<[RuleIndex; 8]>,
    /// What would happen if the shadow rules were enforced, alone.
    pub shadow_effect: Effect,
    /// The shadow rules that matched.
    pub shadow_rules: SmallVec<[RuleIndex; 8]>,
    /// How many rules matched because their condition could not be evaluated, shadow rules too.
    pub eval_errors: u32,
    /// How many rules could not read a part of the record that they look at, shadow rules too.
    pub undecodable: u32,
}

impl Verdict {
    /// As new, with its memory kept.
    pub fn clear(&mut self) {
        self.effect = Effect::Allow;
        self.denial = None;
        self.rules.clear();
        self.shadow_effect = Effect::Allow;
        self.shadow_rules.clear();
        self.eval_errors = 0;
        self.undecodable = 0;
    }
}
