//! A connection's cache of plans: what the policy leaves to do for one subject, action and topic.

use std::collections::HashMap;
use std::sync::Arc;

use crate::identity::Subject;
use crate::policy::{Action, Plan, PolicySet, Query};

/// Plans kept for one connection; a client that names more topics pays for planning again.
const PLANS_MAX: usize = 4_096;

/// Plans by action and topic, valid for one policy set, one client id and one subject.
#[derive(Default)]
pub struct Plans {
    policy: Option<Arc<PolicySet>>,
    client_id: String,
    plans: HashMap<(Action, Arc<str>), Arc<Plan>>,
}

impl Plans {
    /// Forgets everything: the subject has changed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn plan(
        &mut self,
        policy: &Arc<PolicySet>,
        subject: &Subject,
        (action, topic): (Action, &Arc<str>),
        client_id: &str,
        now_seconds: i64,
    ) -> Arc<Plan> {
        let same_policy = self.policy.as_ref().is_some_and(|known| Arc::ptr_eq(known, policy));
        if !same_policy || self.client_id != client_id || self.plans.len() >= PLANS_MAX {
            self.plans.clear();
            self.policy = Some(Arc::clone(policy));
            client_id.clone_into(&mut self.client_id);
        }
        let key = (action, Arc::clone(topic));
        if let Some(plan) = self.plans.get(&key)
            && plan.valid_until_seconds().is_none_or(|end| now_seconds < end)
        {
            return Arc::clone(plan);
        }
        let plan = policy.plan(&Query { subject, client_id, action, topic, now_seconds });
        self.plans.insert(key, Arc::clone(&plan));
        plan
    }
}
