//! Names out of certificates that were made for the purpose, good and hostile.
#![allow(clippy::unwrap_used)]

use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, KeyPair, SanType,
};

use super::*;

const NOW: i64 = 1_800_000_000;

fn made(names: &[(DnType, DnValue)], alternatives: Vec<SanType>) -> Certificate {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in names {
        params.distinguished_name.push(kind.clone(), value.clone());
    }
    params.subject_alt_names = alternatives;
    let key = KeyPair::generate().unwrap();
    parse(params.self_signed(&key).unwrap().der()).unwrap()
}

fn cn(text: &str) -> (DnType, DnValue) {
    (DnType::CommonName, DnValue::Utf8String(text.to_owned()))
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.to_owned().try_into().unwrap())
}

fn uri(name: &str) -> SanType {
    SanType::URI(name.to_owned().try_into().unwrap())
}

fn subject(names: &[(DnType, DnValue)]) -> Result<Arc<str>, CertificateFault> {
    made(names, Vec::new()).principal(CertificateName::Subject, NOW)
}

#[test]
fn the_subject_is_written_as_java_writes_it() {
    let printable = |text: &str| DnValue::PrintableString(text.to_owned().try_into().unwrap());
    let mail = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
    let names = [
        (DnType::CountryName, printable("DE")),
        (DnType::OrganizationName, DnValue::Utf8String("Acme, Inc. + \"Söhne\"".to_owned())),
        (DnType::OrganizationalUnitName, DnValue::Utf8String(" a ".to_owned())),
        cn("svc=#1;<\\>"),
        (mail, DnValue::Ia5String("a@b.c".to_owned().try_into().unwrap())),
    ];
    assert_eq!(
        &*subject(&names).unwrap(),
        "1.2.840.113549.1.9.1=#16056140622e63,CN=svc\\=\\#1\\;\\<\\\\\\>,OU=\\ a\\ ,\
         O=Acme\\, Inc. \\+ \\\"Söhne\\\",C=DE"
    );
    assert_eq!(&*subject(&[cn("app")]).unwrap(), "CN=app");
    assert_eq!(subject(&[]), Err(CertificateFault::Missing("subject")));
}

#[test]
fn t28_an_escaped_name_is_not_another_name() {
    // "CN=admin,O=Acme" inside of one common name is not the subject CN=admin,O=Acme.
    let organization = (DnType::OrganizationName, DnValue::Utf8String("Acme".to_owned()));
    let honest = subject(&[organization, cn("admin")]).unwrap();
    let forged = subject(&[cn("admin,O=Acme")]).unwrap();
    assert_eq!(&*honest, "CN=admin,O=Acme");
    assert_eq!(&*forged, "CN=admin\\,O\\=Acme");
}

#[test]
fn t28_one_common_name_or_nobody() {
    let named = |certificate: Certificate| certificate.principal(CertificateName::Cn, NOW);
    assert_eq!(&*named(made(&[cn("jane")], Vec::new())).unwrap(), "jane");
    assert_eq!(named(made(&[], Vec::new())), Err(CertificateFault::Missing("common name")));
    let custom = DnType::CustomDnType(vec![2, 5, 4, 3]);
    let second = (custom, DnValue::Utf8String("admin".to_owned()));
    let twice = named(made(&[cn("jane"), second], Vec::new()));
    assert_eq!(twice, Err(CertificateFault::Ambiguous("common name")));
    for hostile in ["jane\0.example", "corp|jane", "jane\n", "\u{7f}"] {
        let fault = named(made(&[cn(hostile)], Vec::new()));
        assert_eq!(fault, Err(CertificateFault::Character("common name")), "{hostile:?}");
        assert!(subject(&[cn(hostile)]).is_err(), "{hostile:?}");
    }
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    assert_eq!(
        named(made(&[cn(&long)], Vec::new())),
        Err(CertificateFault::TooLong("common name"))
    );
    let wide = DnValue::BmpString("jane".to_owned().try_into().unwrap());
    let wide = named(made(&[(DnType::CommonName, wide)], Vec::new()));
    assert_eq!(wide, Err(CertificateFault::Character("common name")));
}

#[test]
fn t28_one_alternative_name_of_the_kind_or_nobody() {
    let certificate = made(&[cn("decoy")], vec![dns("app.test"), uri("spiffe://acme/app")]);
    let named = |name| certificate.principal(name, NOW).map(|name| name.to_string());
    assert_eq!(named(CertificateName::SanDns).unwrap(), "app.test");
    assert_eq!(named(CertificateName::SanUri).unwrap(), "spiffe://acme/app");
    assert_eq!(named(CertificateName::SanEmail), Err(CertificateFault::Missing("mail address")));
    let two = made(&[], vec![dns("a.test"), dns("b.test")]);
    let fault = two.principal(CertificateName::SanDns, NOW);
    assert_eq!(fault, Err(CertificateFault::Ambiguous("DNS name")));
    let fault = made(&[], vec![dns("*.test")]).principal(CertificateName::SanDns, NOW);
    assert_eq!(fault, Err(CertificateFault::Pattern("DNS name")));
    let mail = made(&[], vec![SanType::Rfc822Name("a@b.c".to_owned().try_into().unwrap())]);
    assert_eq!(&*mail.principal(CertificateName::SanEmail, NOW).unwrap(), "a@b.c");
}

#[test]
fn t28_a_multi_valued_part_keeps_its_plus_and_has_no_common_name_of_its_own() {
    // rcgen makes one value for each part. Two in one part are two bytes shorter, so that with a
    // value that is two bytes longer every length around them stays as it is.
    let parts = |organization: &str| {
        let made = made(&[cn("jane"), (DnType::OrganizationName, organization.into())], Vec::new());
        let name = made.0.tbs_certificate().subject().clone();
        (made, name)
    };
    let ((certificate, apart), (_, longer)) = (parts("x"), parts("xyz"));
    let mut both = longer.iter_rdn().next().unwrap().clone();
    both.insert(longer.iter_rdn().nth(1).unwrap().iter().next().unwrap().clone()).unwrap();
    let mut together = x509_cert::name::RdnSequence::default();
    together.push(both);
    let mut der = certificate.0.to_der().unwrap();
    let (old, new) = (apart.to_der().unwrap(), together.to_der().unwrap());
    let at = der.windows(old.len()).rposition(|window| window == old).unwrap();
    der.splice(at..at + old.len(), new);
    let certificate = parse(&der).unwrap();
    let subject = certificate.principal(CertificateName::Subject, NOW).unwrap();
    assert_eq!(&*subject, "O=xyz+CN=jane");
    let fault = certificate.principal(CertificateName::Cn, NOW);
    assert_eq!(fault, Err(CertificateFault::Ambiguous("common name")));
}

#[test]
fn an_ended_certificate_names_nobody() {
    let certificate = made(&[cn("jane")], Vec::new());
    let end = certificate.ends_at_seconds();
    assert!(certificate.principal(CertificateName::Cn, end).is_ok());
    let fault = certificate.principal(CertificateName::Cn, end + 5);
    assert_eq!(fault, Err(CertificateFault::Ended { ago_seconds: 5 }));
}

#[test]
fn what_is_no_certificate_is_refused() {
    assert!(parse(b"").is_err());
    assert!(parse(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_err());
    let good = made(&[cn("jane")], Vec::new()).0.to_der().unwrap();
    assert!(parse(&good[..good.len() - 1]).is_err());
    assert!(parse(&[good.as_slice(), &[0]].concat()).is_err(), "bytes behind it");
    let mut params = CertificateParams::default();
    // An alternative name extension that does not parse.
    params.custom_extensions =
        vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], vec![0x30, 3, 0x82, 9, b'a'])];
    let key = KeyPair::generate().unwrap();
    let odd = parse(params.self_signed(&key).unwrap().der()).unwrap();
    assert!(matches!(
        odd.principal(CertificateName::SanDns, NOW),
        Err(CertificateFault::Malformed(_))
    ));
}
