//! What a rule or a permit is about: resources, APIs, keys of settings.

use crate::field::{Case, Glob, TopicGlobs};
use crate::policy::condition::Reads;
use crate::policy::document::MatchDocument;
use crate::policy::operations::{
    CONFIG_APIS, DATA_APIS, GROUP_APIS, PERMITTED_APIS, ResourceKind, nameable, nameable_apis,
    touches,
};
use crate::policy::query::Action;
use crate::policy::reach::{ConfigGlobs, Reach};
use crate::policy::rule::Direction;
use crate::policy::set::CREATE_TOPICS;
use crate::yaml::{At, nearest};

use super::{Checked, Compiler, Refused};

type List = At<Vec<At<String>>>;

impl Compiler<'_> {
    /// The resources of a rule, and how they are written.
    pub(super) fn reach(
        &mut self,
        matched: &At<MatchDocument>,
        direction: Direction,
        reads: Reads,
    ) -> Checked<(Reach, Vec<String>)> {
        let MatchDocument { topics, consumer_groups, transactional_ids, .. } = &matched.value;
        let others =
            [(consumer_groups, "consumer_groups"), (transactional_ids, "transactional_ids")];
        let named = others.iter().filter_map(|(list, key)| list.as_ref().map(|list| (list, *key)));
        let mut named = named.collect::<Vec<_>>().into_iter();
        let Some((list, key)) = named.next() else {
            return self.topic_reach(matched, direction, reads);
        };
        let also = topics.as_ref().map(|_| "topics").or(named.next().map(|(_, key)| key));
        if let Some(also) = also {
            let message = format!("one rule is about {also} and {key}");
            return Err(self.refuse_with(list, message, "write two rules"));
        }
        let groups = key == "consumer_groups";
        let belongs = match direction {
            Direction::Admin => true,
            Direction::Data(Action::Consume) => groups,
            Direction::Data(Action::Produce) => !groups,
        };
        if !belongs {
            let own = if groups { "consume" } else { "produce" };
            let help = format!("write direction: {own}, or admin with `apis`");
            let message = format!("`{key}` does not belong to this direction");
            return Err(self.refuse_with(list, message, help));
        }
        if reads.topic {
            let message = format!("a rule about {key} has no topic, so topic.name is never known");
            let help = format!("name them by globs in `{key}`");
            return Err(self.refuse_with(list, message, help));
        }
        let (globs, written) = self.globs(list, key)?;
        Ok((
            if groups { Reach::ConsumerGroups(globs) } else { Reach::TransactionalIds(globs) },
            written,
        ))
    }

    fn topic_reach(
        &mut self,
        matched: &At<MatchDocument>,
        direction: Direction,
        reads: Reads,
    ) -> Checked<(Reach, Vec<String>)> {
        let everything = direction == Direction::Admin && !reads.topic;
        let Some(topics) = &matched.value.topics else {
            if everything {
                return Ok((Reach::Everything, Vec::new()));
            }
            let help = "write topics: [\"**\"] for every topic";
            return Err(self.refuse_with(matched, "`match` names no topics", help));
        };
        let (globs, written) = self.topics(topics)?;
        let reach =
            if everything && is_every(&written) { Reach::Everything } else { Reach::Topics(globs) };
        Ok((reach, written))
    }

    /// The topics of a permit; without them, and with `["**"]`, it covers the cluster too.
    pub(super) fn permitted_reach(&mut self, topics: Option<&List>) -> Checked<Reach> {
        let Some(topics) = topics else { return Ok(Reach::Everything) };
        let (globs, written) = self.topics(topics)?;
        Ok(if is_every(&written) { Reach::Everything } else { Reach::Topics(globs) })
    }

    /// The APIs of an admin rule. Without `apis`, those that change what the rule is about and say
    /// what its condition reads.
    pub(super) fn judged_apis(
        &mut self,
        matched: &At<MatchDocument>,
        direction: Direction,
        reach: &Reach,
        reads: Reads,
    ) -> Checked<Vec<&'static str>> {
        let MatchDocument { apis, configs, .. } = &matched.value;
        if direction != Direction::Admin {
            if let Some(apis) = apis {
                let help = format!("write direction: admin, as in apis: [{CREATE_TOPICS}]");
                return Err(self.refuse_with(apis, "`apis` belongs to admin rules", help));
            }
            if let Some(configs) = configs {
                let help = "write direction: admin";
                return Err(self.refuse_with(configs, "`configs` belongs to admin rules", help));
            }
            return Ok(Vec::new());
        }
        let says = |api: &&str| says_what_is_read(api, reads, configs.is_some());
        let Some(apis) = apis else {
            let changing: &[&'static str] = match reach {
                Reach::Topics(_) | Reach::Everything => &PERMITTED_APIS,
                Reach::ConsumerGroups(_) => &GROUP_APIS,
                Reach::TransactionalIds(_) => {
                    let help = "name them, as in apis: [InitProducerId]";
                    let message = "no API administers a transactional id";
                    return Err(self.refuse_with(matched, message, help));
                }
            };
            return Ok(changing.iter().copied().filter(says).collect());
        };
        let named = self.apis(apis)?;
        for (api, at) in named.iter().zip(&apis.value) {
            if !says(api) {
                let message = format!("a request of {api} does not say what this rule looks at");
                let asked: Vec<&str> = nameable_apis().filter(says).collect();
                let help = format!("such a rule is about {}", distinct(&asked).join(", "));
                return Err(self.refuse_with(at, message, help));
            }
        }
        self.touched(apis, &named, reach)?;
        Ok(named)
    }

    /// At least one of the APIs touches a resource of this kind; else the rule would never match.
    pub(super) fn touched(
        &mut self,
        list: &List,
        apis: &[&'static str],
        reach: &Reach,
    ) -> Checked<()> {
        let kind = match reach {
            Reach::Everything => return Ok(()),
            Reach::Topics(_) => ResourceKind::Topic,
            Reach::ConsumerGroups(_) => ResourceKind::ConsumerGroup,
            Reach::TransactionalIds(_) => ResourceKind::TransactionalId,
        };
        if apis.iter().any(|api| touches(api, kind)) {
            return Ok(());
        }
        let message = format!("none of these APIs touches a {}", kind.as_str());
        let other =
            ResourceKind::ALL.into_iter().find(|kind| apis.iter().any(|api| touches(api, *kind)));
        let help = match other {
            Some(ResourceKind::ConsumerGroup) => "write consumer_groups",
            Some(ResourceKind::TransactionalId) => "write transactional_ids",
            Some(ResourceKind::Topic) => "write topics",
            Some(ResourceKind::Cluster) | None => {
                "they ask for the cluster as a whole: name no resource"
            }
        };
        Err(self.refuse_with(list, message, help))
    }

    /// Keys of settings.
    pub(super) fn configs(&mut self, list: &List) -> Checked<ConfigGlobs> {
        if list.value.is_empty() {
            let help = "leave `configs` out for every key";
            return Err(self.refuse_with(list, "an empty list of keys matches nothing", help));
        }
        let mut globs = ConfigGlobs { included: Vec::new(), excluded: Vec::new() };
        for key in &list.value {
            let (text, into) = match key.value.strip_prefix('!') {
                Some(text) => (text, &mut globs.excluded),
                None => (key.value.as_str(), &mut globs.included),
            };
            match Glob::new(text, Case::Sensitive) {
                Ok(glob) => into.push(glob),
                Err(error) => return Err(self.refuse(key, error.to_string())),
            }
        }
        if globs.included.is_empty() {
            let message = "only exclusions: nothing would ever match";
            return Err(self.refuse_with(list, message, "add \"*\" to exclude from every key"));
        }
        Ok(globs)
    }

    /// The APIs of an admin rule.
    pub(super) fn apis(&mut self, list: &List) -> Checked<Vec<&'static str>> {
        if list.value.is_empty() {
            let help = format!("write apis: [{CREATE_TOPICS}]");
            return Err(self.refuse_with(list, "an empty list of APIs matches nothing", help));
        }
        list.value.iter().map(|api| self.api(api)).collect()
    }

    fn api(&mut self, api: &At<String>) -> Result<&'static str, Refused> {
        let text = api.value.as_str();
        if let Some(known) = nameable(text) {
            return Ok(known);
        }
        if DATA_APIS.contains(&text) {
            let message = format!("{text} is judged by rules of the data directions");
            let help = "write direction: produce or direction: consume, without `apis`";
            return Err(self.refuse_with(api, message, help));
        }
        let help = match nearest(text, nameable_apis()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "docs/reference/access.md lists the APIs that are judged".to_owned(),
        };
        Err(self.refuse_with(api, format!("`{text}` is no API that rules judge"), help))
    }

    /// The APIs of a permit: only those that are denied without one.
    pub(super) fn permitted_apis(&mut self, list: &List) -> Checked<Vec<&'static str>> {
        if list.value.is_empty() {
            let help = format!("write apis: [{CREATE_TOPICS}]");
            return Err(self.refuse_with(list, "an empty list of APIs permits nothing", help));
        }
        let mut permitted = Vec::new();
        for api in &list.value {
            let text = api.value.as_str();
            if let Some(known) = PERMITTED_APIS.into_iter().find(|known| *known == text) {
                permitted.push(known);
                continue;
            }
            let help = match nearest(text, PERMITTED_APIS) {
                Some(near) => format!("did you mean `{near}`?"),
                None if nameable(text).is_some() || DATA_APIS.contains(&text) => {
                    "it needs no permit; rules restrict it".to_owned()
                }
                None => format!("the APIs are {}", PERMITTED_APIS.join(", ")),
            };
            let message = format!("`{text}` is no API that changes the cluster");
            return Err(self.refuse_with(api, message, help));
        }
        Ok(permitted)
    }

    /// Topic globs as written and as compiled.
    fn topics(&mut self, list: &List) -> Checked<(TopicGlobs, Vec<String>)> {
        for glob in &list.value {
            let text = glob.value.strip_prefix('!').unwrap_or(&glob.value);
            let foreign =
                |letter: char| !(letter.is_ascii_alphanumeric() || "._-*?".contains(letter));
            if text.contains(foreign) {
                let message = "a topic name has letters, digits, `.`, `_` and `-` only";
                return Err(self.refuse(glob, message));
            }
        }
        self.globs(list, "topics")
    }

    fn globs(&mut self, list: &List, key: &str) -> Checked<(TopicGlobs, Vec<String>)> {
        if list.value.is_empty() {
            let what = key.replace('_', " ");
            let message = format!("an empty list of {what} matches nothing");
            let help = format!("write {key}: [\"**\"] for all of them");
            return Err(self.refuse_with(list, message, help));
        }
        for glob in &list.value {
            let text = glob.value.strip_prefix('!').unwrap_or(&glob.value);
            if let Err(error) = TopicGlobs::new(&[text]) {
                return Err(self.refuse(glob, error.to_string()));
            }
        }
        let written: Vec<String> = list.value.iter().map(|glob| glob.value.clone()).collect();
        match TopicGlobs::new(&written) {
            Ok(globs) => Ok((globs, written)),
            Err(error) => Err(self.refuse(list, error.to_string())),
        }
    }
}

/// Whether requests of an API can say everything that a rule looks at.
fn says_what_is_read(api: &str, reads: Reads, names_configs: bool) -> bool {
    let creates = api == CREATE_TOPICS;
    (!reads.partitions || creates || api == "CreatePartitions")
        && (!reads.replication_factor || creates)
        && (!(reads.configs || names_configs) || CONFIG_APIS.contains(&api))
}

fn is_every(written: &[String]) -> bool {
    written.iter().any(|glob| glob == "**") && !written.iter().any(|glob| glob.starts_with('!'))
}

fn distinct<'n>(names: &[&'n str]) -> Vec<&'n str> {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if !seen.contains(name) {
            seen.push(name);
        }
    }
    seen
}
