//! ApiVersions (key 18): what the client may use is ours ∩ the broker's ∩ the policy's.
//!
//! Source: KIP-35, KIP-511. The client's own request goes up; the answer is clamped and never
//! cached. A request of a version that is not known here gets a v0 body with error 35 that lists
//! key 18 alone, from which a client learns what to ask with. Produce stays listed from v0:
//! librdkafka takes that for the broker's support of compression (KAFKA-18659).

use std::ops::RangeInclusive;

use bytes::Bytes;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::facts::{Facts, Offered};
use super::outcome::{CloseReason, Forward, Judge, Outcome, Request, Response, ResponseOutcome};
use super::{Enforcement, Judged, Treatment, delegation_tokens, row, settled};
use crate::audit::SessionFacts;
use crate::wire::codec::{self, CodecFault};
use crate::wire::{ApiKey, ErrorCode};

/// Features that clients read; those of APIs that stay hidden are left out (T03).
const FEATURES: &[&str] = &[
    "metadata.version",
    "kraft.version",
    "transaction.version",
    "group.version",
    "eligible.leader.replicas.version",
    "share.version",
    "streams.version",
];

pub struct ApiVersions;

impl Enforcement for ApiVersions {
    fn request(&self, facts: &mut Facts<'_>, request: &Request) -> Outcome {
        match learn_software(facts, request) {
            Ok(()) => Outcome::Forward(Forward::judged(request, Clamp)),
            Err(reason) => Outcome::Close(reason),
        }
    }
}

/// The body that answers a request of an unknown version: what to ask with instead.
///
/// # Errors
/// [`CodecFault`], never in practice: v0 holds every field that is set.
pub fn unknown_version_answer(known: &RangeInclusive<i16>) -> Result<Bytes, CodecFault> {
    let mut message = ApiVersionsResponse::default();
    message.error_code = ErrorCode::UNSUPPORTED_VERSION.0;
    message.api_keys = vec![version_range(ApiKey::API_VERSIONS.0, (*known.start(), *known.end()))];
    codec::encode(ApiKey::API_VERSIONS, 0, &message)
}

fn learn_software(facts: &mut Facts<'_>, request: &Request) -> Result<(), CloseReason> {
    if request.header.version < 3 {
        return Ok(());
    }
    let (key, version) = (request.header.key, request.header.version);
    let message: ApiVersionsRequest = codec::decode(key, version, &request.body())?;
    let software =
        format!("{}/{}", &*message.client_software_name, &*message.client_software_version);
    if facts.connection.evidence.client_software.as_deref() != Some(software.as_str()) {
        let mut evidence = SessionFacts::clone(&facts.connection.evidence);
        evidence.client_software = Some(software.into());
        facts.connection.evidence = evidence.into();
    }
    Ok(())
}

struct Clamp;

impl Judge for Clamp {
    fn judge(&mut self, facts: &mut Facts<'_>, response: &Response) -> ResponseOutcome {
        settled(clamp(facts, response))
    }
}

fn version_range(key: i16, (min, max): (i16, i16)) -> ApiVersion {
    ApiVersion::default().with_api_key(key).with_min_version(min).with_max_version(max)
}

fn clamp(facts: &mut Facts<'_>, response: &Response) -> Judged {
    let body = response.body();
    // A broker that does not know the version answers with a v0 body and error 35.
    let refused = body.first_chunk::<2>() == Some(&ErrorCode::UNSUPPORTED_VERSION.0.to_be_bytes());
    let version = if refused { 0 } else { response.version };
    let mut message: ApiVersionsResponse = codec::decode(response.key, version, &body)?;
    let mut offered = Offered::new();
    for theirs in &message.api_keys {
        let key = ApiKey(theirs.api_key);
        if let Some(range) = offer(theirs)
            && delegation_tokens::is_offered(key, facts.cluster, facts.policy)
        {
            offered.insert(theirs.api_key, range);
        }
    }
    if !refused {
        for key in super::login_keys() {
            if let Some(row) = row(key) {
                offered.insert(key.0, (*row.versions().start(), *row.versions().end()));
            }
        }
    }
    message.api_keys = offered.iter().map(|(key, range)| version_range(*key, *range)).collect();
    message.supported_features.retain(|feature| FEATURES.contains(&&*feature.name));
    message.finalized_features.retain(|feature| FEATURES.contains(&&*feature.name));
    if !refused {
        facts.connection.offered = Some(offered);
    }
    let body = codec::encode(response.key, version, &message)?;
    Ok(ResponseOutcome::Forward(response.with_body(body)))
}

/// What of the broker's range for one API the client may use; none if nothing.
fn offer(theirs: &ApiVersion) -> Option<(i16, i16)> {
    let key = ApiKey(theirs.api_key);
    let row = row(key)?;
    match row.treatment {
        Treatment::Hidden { .. } => return None,
        Treatment::Enforced(_) => {}
    }
    let ours = row.versions();
    let max = (*ours.end()).min(theirs.max_version);
    let mut min = (*ours.start()).max(theirs.min_version);
    if min > max {
        return None;
    }
    if key == ApiKey::PRODUCE {
        min = theirs.min_version.min(min);
    }
    Some((min, max))
}
