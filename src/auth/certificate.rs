//! Who a client certificate names: its DER read by its structure, one name out of it.
//!
//! The chain was verified in the handshake; here it is only asked whose it is. What could be read
//! in two ways names nobody: two common names, two alternative names of the kind that is asked for,
//! a pattern, a character that no name has. The whole subject is written as Kafka writes it
//! (`X500Principal.getName()` of Java, RFC 2253), so that the principals of existing ACLs stay.

use std::fmt::Write as _;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _, Tag, Tagged as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::NAME_BYTES_MAX;
use crate::identity::ISSUER_SEPARATOR;

#[cfg(test)]
mod tests;

/// Which name of a certificate is the principal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CertificateName")]
pub enum CertificateName {
    /// The whole subject, as `CN=app,OU=payments,O=Acme` (RFC 2253): what Kafka does by default.
    #[default]
    Subject,
    /// The one common name of the subject.
    Cn,
    /// The one DNS name among the alternative names.
    SanDns,
    /// The one URI among the alternative names, such as a SPIFFE id.
    SanUri,
    /// The one mail address among the alternative names.
    SanEmail,
}

/// Why a certificate names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateFault {
    #[error("the certificate cannot be read: {0}")]
    Malformed(String),
    #[error("the certificate has no {0}")]
    Missing(&'static str),
    #[error("the certificate has more than one {0}, so it names nobody in particular")]
    Ambiguous(&'static str),
    #[error("the {0} of the certificate is a pattern, not a name")]
    Pattern(&'static str),
    #[error("the {0} of the certificate holds a character that no principal may have")]
    Character(&'static str),
    #[error("the {0} of the certificate is longer than {NAME_BYTES_MAX} bytes")]
    TooLong(&'static str),
    #[error("the certificate ended {ago_seconds} seconds ago")]
    Ended { ago_seconds: i64 },
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The keywords of RFC 2253 §2.3; every other type is written as its number.
const KEYWORDS: &[(ObjectIdentifier, &str)] = &[
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"), "UID"),
];

/// A certificate that has the structure of one.
#[derive(Clone, Debug)]
pub struct Certificate(x509_cert::Certificate);

/// Reads one DER certificate.
///
/// # Errors
/// [`CertificateFault::Malformed`].
pub fn parse(der: &[u8]) -> Result<Certificate, CertificateFault> {
    x509_cert::Certificate::from_der(der).map(Certificate).map_err(|error| malformed(&error))
}

fn malformed(error: &impl ToString) -> CertificateFault {
    CertificateFault::Malformed(error.to_string())
}

impl Certificate {
    /// The last second of its validity, since 1970.
    #[must_use]
    pub fn ends_at_seconds(&self) -> i64 {
        let end = self.0.tbs_certificate().validity().not_after.to_unix_duration();
        i64::try_from(end.as_secs()).unwrap_or(i64::MAX)
    }

    /// The principal that it names, at a time in seconds since 1970: a session that is resumed is
    /// not verified again.
    ///
    /// # Errors
    /// [`CertificateFault`]: why it names nobody.
    pub fn principal(
        &self,
        name: CertificateName,
        now_seconds: i64,
    ) -> Result<Arc<str>, CertificateFault> {
        let ago_seconds = now_seconds.saturating_sub(self.ends_at_seconds());
        if ago_seconds > 0 {
            return Err(CertificateFault::Ended { ago_seconds });
        }
        let (what, text) = match name {
            CertificateName::Subject => ("subject", self.subject()?),
            CertificateName::Cn => ("common name", self.common_name()?),
            CertificateName::SanDns => ("DNS name", self.alternative("DNS name")?),
            CertificateName::SanUri => ("URI", self.alternative("URI")?),
            CertificateName::SanEmail => ("mail address", self.alternative("mail address")?),
        };
        if text.is_empty() {
            return Err(CertificateFault::Missing(what));
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(CertificateFault::TooLong(what));
        }
        // With several issuers `a|b` is the `b` of issuer `a`, and no certificate speaks for one.
        if text.chars().any(|c| c.is_control() || c == ISSUER_SEPARATOR) {
            return Err(CertificateFault::Character(what));
        }
        if name == CertificateName::SanDns && text.contains('*') {
            return Err(CertificateFault::Pattern(what));
        }
        Ok(text.into())
    }

    /// The subject as RFC 2253 writes it: the last part first.
    fn subject(&self) -> Result<String, CertificateFault> {
        let parts: Vec<_> = self.0.tbs_certificate().subject().iter_rdn().collect();
        let mut text = String::new();
        for part in parts.into_iter().rev() {
            for (index, attribute) in part.iter().enumerate() {
                match (index, text.is_empty()) {
                    (0, true) => {}
                    (0, false) => text.push(','),
                    _ => text.push('+'),
                }
                put_attribute(&mut text, attribute)?;
            }
        }
        Ok(text)
    }

    fn common_name(&self) -> Result<String, CertificateFault> {
        const WHAT: &str = "common name";
        let mut found = None;
        for part in self.0.tbs_certificate().subject().iter_rdn() {
            for attribute in part.iter().filter(|attribute| attribute.oid == COMMON_NAME) {
                if part.len() > 1 || found.is_some() {
                    return Err(CertificateFault::Ambiguous(WHAT));
                }
                found = Some(string(attribute)?.ok_or(CertificateFault::Character(WHAT))?);
            }
        }
        found.ok_or(CertificateFault::Missing(WHAT))
    }

    fn alternative(&self, what: &'static str) -> Result<String, CertificateFault> {
        let extension = self
            .0
            .tbs_certificate()
            .get_extension::<SubjectAltName>()
            .map_err(|error| malformed(&error))?;
        let names = extension.map(|(_, names)| names.0).unwrap_or_default();
        let mut matching = names.iter().filter_map(|name| match (name, what) {
            (GeneralName::DnsName(text), "DNS name")
            | (GeneralName::UniformResourceIdentifier(text), "URI")
            | (GeneralName::Rfc822Name(text), "mail address") => Some(text.as_str().to_owned()),
            _ => None,
        });
        let first = matching.next().ok_or(CertificateFault::Missing(what))?;
        match matching.next() {
            Some(_) => Err(CertificateFault::Ambiguous(what)),
            None => Ok(first),
        }
    }
}

/// `TYPE=value`, as `AVA.toRFC2253String` of the JDK.
fn put_attribute(
    text: &mut String,
    attribute: &AttributeTypeAndValue,
) -> Result<(), CertificateFault> {
    let keyword = KEYWORDS.iter().find(|(oid, _)| *oid == attribute.oid).map(|(_, word)| *word);
    let value = string(attribute)?;
    if let (Some(keyword), Some(value)) = (keyword, &value) {
        text.push_str(keyword);
        text.push('=');
        put_escaped(text, value);
        return Ok(());
    }
    match keyword {
        Some(keyword) => text.push_str(keyword),
        None => text.push_str(&attribute.oid.to_string()),
    }
    text.push_str("=#");
    let der = attribute.value.to_der().map_err(|error| malformed(&error))?;
    for byte in der {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(())
}

/// RFC 2253 §2.4. A NUL is in no name that is accepted, so it needs no form here.
fn put_escaped(text: &mut String, value: &str) {
    let leading = value.len() - value.trim_start_matches(' ').len();
    let trailing = value.trim_end_matches(' ').len();
    for (at, character) in value.char_indices() {
        let edge = character == ' ' && (at < leading || at >= trailing);
        if edge || ",=+<>#;\"\\".contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
}

/// The value as text; `None` for types whose text Java and others read differently (UTF-16, and
/// whatever is no string).
fn string(attribute: &AttributeTypeAndValue) -> Result<Option<String>, CertificateFault> {
    let value = &attribute.value;
    let text = std::str::from_utf8(value.value());
    if [Tag::Utf8String, Tag::PrintableString, Tag::Ia5String].contains(&value.tag()) {
        return text.map(|text| Some(text.to_owned())).map_err(|error| malformed(&error));
    }
    if value.tag() != Tag::TeletexString {
        return Ok(None);
    }
    // Its other characters are of a code page that nobody agrees on.
    let text = text.ok().filter(|text| text.is_ascii());
    text.map(|text| Some(text.to_owned())).ok_or(CertificateFault::Character("subject"))
}
