//! A client certificate as a login: which name it gives, whose certificates count, what a SASL
//! login beside it means, and that a name that could be read in two ways is nobody's.

use rcgen::{DistinguishedName, DnType, SanType};

use crate::client::TlsClient;
use crate::testcontainers::{Authority, ClientProperties, Issued, JavaTools, TokenIssuer};
use crate::world::{LIMIT, Plan, World, brokers, kafka};

fn mutual(principal: &str) -> World {
    Plan {
        tls: ", client_ca: \"CA\"".to_owned(),
        identity: format!("{{mtls: {principal}, groups: {{file: groups.yaml}}}}"),
        files: vec![(
            "groups.yaml".to_owned(),
            "groups:\n  platform: [\"CN=app,OU=payments,O=Acme\\\\, Inc.\"]\n".to_owned(),
        )],
        ..Plan::default()
    }
    .start()
}

/// A client of Acme's payments.
fn payments(authority: &Authority, common_name: &str) -> Issued {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "Acme, Inc.");
    subject.push(DnType::OrganizationalUnitName, "payments");
    subject.push(DnType::CommonName, common_name);
    let names = [
        SanType::DnsName("app.acme.test".to_owned().try_into().unwrap()),
        SanType::URI("spiffe://acme.test/app".to_owned().try_into().unwrap()),
        SanType::Rfc822Name("app@acme.test".to_owned().try_into().unwrap()),
    ];
    authority.client_of(subject, names.to_vec())
}

#[test]
fn each_name_of_a_certificate_may_be_the_principal() {
    for (form, principal) in [
        ("{}", "CN=app,OU=payments,O=Acme\\, Inc."),
        ("{principal: subject}", "CN=app,OU=payments,O=Acme\\, Inc."),
        ("{principal: cn}", "app"),
        ("{principal: san_dns}", "app.acme.test"),
        ("{principal: san_uri}", "spiffe://acme.test/app"),
        ("{principal: san_email}", "app@acme.test"),
    ] {
        let world = mutual(form);
        let certificate = payments(&world.authority, "app");
        let client = TlsClient::showing(&world.authority, &certificate);
        let mut first = client.connect(&world.address(), "localhost").unwrap();
        brokers(&mut first.kafka).unwrap();
        // A resumed session is still whose it was.
        let mut second = client.connect(&world.address(), "localhost").unwrap();
        brokers(&mut second.kafka).unwrap();
        drop((first, second));
        let row = world.login(|row| row["decision"] == "allow");
        assert_eq!(row["principal"], principal, "{form}: {row}");
        assert_eq!(row["auth_mech"], "SSL", "{row}");
    }
}

#[test]
fn t28_a_certificate_that_names_nobody_in_particular_is_refused() {
    let world = mutual("{principal: san_dns}");
    let dns = |name: &str| SanType::DnsName(name.to_owned().try_into().unwrap());
    for (names, said) in [
        (vec![], "has no DNS name"),
        (vec![dns("a.test"), dns("b.test")], "more than one DNS name"),
        (vec![dns("*.test")], "is a pattern"),
    ] {
        let certificate = world.authority.client_of(DistinguishedName::new(), names);
        let client = TlsClient::showing(&world.authority, &certificate);
        // The handshake is good; what it proved is nobody.
        if let Ok(mut connected) = client.connect(&world.address(), "localhost") {
            assert!(brokers(&mut connected.kafka).is_err());
        }
        world.lockgate.wait_for_line(said, LIMIT);
        let refused = |row: &serde_json::Value| {
            row["decision"] == "deny" && row["message"].as_str().unwrap_or("").contains(said)
        };
        let row = world.login(refused);
        assert_eq!((&row["auth_mech"], &row["src_ip"]), (&"SSL".into(), &"127.0.0.1".into()));
    }
}

#[test]
fn t28_a_forged_subject_is_not_another_subject() {
    let world = mutual("{}");
    // One common name that is written like a whole subject.
    let certificate = world.authority.client("app,OU=payments,O=Acme\\, Inc.");
    let client = TlsClient::showing(&world.authority, &certificate);
    let mut connected = client.connect(&world.address(), "localhost").unwrap();
    brokers(&mut connected.kafka).unwrap();
    let row = world.login(|row| row["decision"] == "allow");
    assert_eq!(row["principal"], "CN=app\\,OU\\=payments\\,O\\=Acme\\\\\\, Inc.");
}

#[test]
fn t28_other_authorities_and_no_certificate_end_the_handshake() {
    let world = mutual("{}");
    let elsewhere = Authority::new();
    let stranger = elsewhere.client("app");
    for client in
        [TlsClient::new(&world.authority), TlsClient::showing(&world.authority, &stranger)]
    {
        // With TLS 1.3 the client is done before it hears of it.
        if let Ok(mut connected) = client.connect(&world.address(), "localhost") {
            assert!(brokers(&mut connected.kafka).is_err());
        }
    }
    world.login(|row| row["decision"] == "deny" && row["auth_mech"] == "SSL");
    let sample = "lockgate_connections_refused_total{reason=\"handshake\"} 2";
    assert!(world.shows(sample), "{}", world.page("/metrics"));
}

#[test]
fn a_certificate_may_be_asked_for_without_being_needed() {
    let world = Plan {
        tls: ", client_ca: \"CA\", client_auth: request".to_owned(),
        identity: "{mtls: {principal: cn}, anonymous: {principal: nobody}}".to_owned(),
        ..Plan::default()
    }
    .start();
    let certificate = world.authority.client("app");
    let known = TlsClient::showing(&world.authority, &certificate);
    let mut known = known.connect(&world.address(), "localhost").unwrap();
    brokers(&mut known.kafka).unwrap();
    assert_eq!(world.login(|_| true)["principal"], "app");
    let unknown = TlsClient::new(&world.authority);
    let mut unknown = unknown.connect(&world.address(), "localhost").unwrap();
    brokers(&mut unknown.kafka).unwrap();
    // One that is shown must be good.
    let elsewhere = Authority::new();
    let stranger = TlsClient::showing(&world.authority, &elsewhere.client("app"));
    if let Ok(mut connected) = stranger.connect(&world.address(), "localhost") {
        assert!(brokers(&mut connected.kafka).is_err());
    }
}

#[test]
fn a_sasl_login_says_who_it_is_whatever_the_certificate_says() {
    let issuer = TokenIssuer::start();
    let world = Plan {
        tls: ", client_ca: \"CA\", client_auth: request".to_owned(),
        identity: format!(
            "{{mtls: {{principal: cn}}, oauthbearer: {{issuer: \"{}\", audience: kafka}}}}",
            issuer.url()
        ),
        ..Plan::default()
    }
    .start();
    let certificate = world.authority.client("machine");
    let both = TlsClient::showing(&world.authority, &certificate);
    let mut connected = both.connect(&world.address(), "localhost").unwrap();
    let token = issuer.token("jane", &[], 600);
    assert_eq!(connected.kafka.log_in(&token).unwrap().error_code, 0);
    brokers(&mut connected.kafka).unwrap();
    let row = world.login(|row| row["decision"] == "allow");
    assert_eq!((&row["principal"], &row["auth_mech"]), (&"jane".into(), &"OAUTHBEARER".into()));
    // The certificate is no way out of a login that was refused.
    let mut connected = both.connect(&world.address(), "localhost").unwrap();
    connected.kafka.log_in("no token at all").unwrap();
    assert!(brokers(&mut connected.kafka).is_err());
    // And without either there is nothing.
    let neither = TlsClient::new(&world.authority);
    let mut neither = neither.connect(&world.address(), "localhost").unwrap();
    assert!(brokers(&mut neither.kafka).is_err());
}

#[test]
fn java_logs_in_by_its_certificate_and_is_in_its_groups() {
    let world = {
        let addresses = "{ports: FIRST-LAST, host: localhost}".to_owned();
        Plan {
            tls: ", client_ca: \"CA\"".to_owned(),
            addresses,
            identity: "{mtls: {}, groups: {file: groups.yaml}}".to_owned(),
            files: vec![(
                "groups.yaml".to_owned(),
                "groups:\n  platform: [\"CN=app,OU=payments,O=Acme\\\\, Inc.\"]\n".to_owned(),
            )],
            ..Plan::default()
        }
        .start()
    };
    let java = |certificate: &Issued| {
        let properties = crate::certificates::trusting(&world, ClientProperties::plain())
            .set("ssl.keystore.type", "PEM")
            .set("ssl.keystore.location", certificate.store().display());
        JavaTools::new(kafka().jars(), &format!("localhost:{}", world.port), properties)
    };
    let member = java(&payments(&world.authority, "app"));
    member.create_topic("tls.mutual", 1, 1, &[]).expect_success();
    member.console_produce("tls.mutual", &["one"], &[]).expect_success();
    assert_eq!(member.console_consume("tls.mutual", 1, &[]).expect_success().lines(), ["one"]);
    // Nobody knows the groups of the other one, so it may not create.
    let other = java(&payments(&world.authority, "other"));
    other.create_topic("tls.other", 1, 1, &[]).expect_failure();
}

/// The whole subject is what Java's own `X500Principal` says of the same file.
#[test]
fn subjects_are_written_as_javas_own() {
    let authority = Authority::new();
    let mut issued = Vec::new();
    for common_name in ["plain", " edge ", "#=+,;<>\"\\", "a  b", "Grüße", "日本", "a/b:c@d(e)'?"]
    {
        issued.push(payments(&authority, common_name));
    }
    let mut odd = DistinguishedName::new();
    odd.push(DnType::CountryName, "DE");
    odd.push(DnType::StateOrProvinceName, "Berlin");
    odd.push(DnType::LocalityName, "Mitte");
    odd.push(DnType::CustomDnType(vec![2, 5, 4, 9]), "Street 1");
    odd.push(DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 25]), "acme");
    odd.push(DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]), "jane");
    odd.push(DnType::CustomDnType(vec![2, 5, 4, 5]), "serial 7");
    odd.push(DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]), "a@b.c");
    odd.push(DnType::CustomDnType(vec![2, 5, 4, 12]), "title");
    issued.push(authority.client_of(odd, Vec::new()));

    let paths: Vec<String> =
        issued.iter().map(|one| one.cert.to_string_lossy().into_owned()).collect();
    let tools = JavaTools::new(kafka().jars(), "unused:1", ClientProperties::plain());
    let java = tools.java_program("Subjects.java", &paths).expect_success();
    let ours: Vec<String> = issued
        .iter()
        .map(|one| {
            let parsed = lockgate::auth::certificate::parse(&crate::client::certificate(one));
            let name = lockgate::auth::certificate::CertificateName::Subject;
            parsed.unwrap().principal(name, 1_800_000_000).unwrap().to_string()
        })
        .collect();
    assert_eq!(java.lines(), ours);
}
