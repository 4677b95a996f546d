//! Listeners as written: certificates that fit, networks, names of brokers, and what is missing.

use rcgen::{CertificateParams, KeyPair};

use super::*;

/// A directory with a certificate, its key, and another key.
fn certificates() -> tempfile::TempDir {
    let directory = directory();
    let write = |name: &str, text: String| std::fs::write(directory.path().join(name), text);
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let params = CertificateParams::new(["kafka.test".to_owned()]).unwrap();
    write("cert.pem", params.self_signed(&key).unwrap().pem()).unwrap();
    write("key.pem", key.serialize_pem()).unwrap();
    write("other.pem", other.serialize_pem()).unwrap();
    write("broken.pem", "-----BEGIN CERTIFICATE-----\n".to_owned()).unwrap();
    directory
}

const TLS: &str = "cert: cert.pem, key: key.pem";

fn listening(listen: &str) -> Result<Config, ConfigError> {
    let text = small_with("listen", &format!("listen: {listen}"));
    parse_in(certificates().path(), &text)
}

#[test]
fn a_listener_may_have_certificates_and_networks() {
    let text = format!(
        "{{address: 127.0.0.1:1, tls: {{{TLS}, client_ca: cert.pem, client_auth: request}}, \
         proxy_protocol: [10.0.0.0/8, 192.168.1.7]}}"
    );
    let config = listening(&text).unwrap();
    let [listener] = &config.clusters[0].listeners[..] else { panic!() };
    let clients = listener.entrance.tls.as_ref().unwrap().clients.as_ref().unwrap();
    assert_eq!(clients.presence, Presence::Optional);
    assert_eq!(listener.entrance.proxy_networks.len(), 2);
    let text = format!("[{{address: 127.0.0.1:1, tls: {{{TLS}, client_ca: cert.pem}}}}]");
    let config = listening(&text).unwrap();
    let tls = config.clusters[0].listeners[0].entrance.tls.clone().unwrap();
    assert_eq!(tls.clients.unwrap().presence, Presence::Required, "whoever names a CA means it");
}

#[test]
fn files_and_networks_that_are_wrong_are_named_with_their_place() {
    for (tls, place, said) in [
        ("cert: no.pem, key: key.pem", "4:44", "cannot be read"),
        ("cert: broken.pem, key: key.pem", "4:44", "broken.pem"),
        ("cert: key.pem, key: key.pem", "4:44", "holds no certificate"),
        ("cert: cert.pem, key: cert.pem", "4:59", "holds no private key"),
        ("cert: cert.pem, key: other.pem", "4:59", "is not that of the certificate"),
        ("cert: cert.pem, key: key.pem, client_auth: require", "4:81", "client_ca"),
        ("cert: cert.pem, key: key.pem, client_ca: key.pem", "4:79", "holds no certificate"),
        (
            "cert: cert.pem, key: key.pem, client_ca: cert.pem, client_auth: none",
            "4:79",
            "of no use",
        ),
    ] {
        let error = listening(&format!("{{address: 127.0.0.1:1, tls: {{{tls}}}}}"));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(&format!("l.yaml:{place}\n")), "{error}");
    }
    let error = listening("{address: 127.0.0.1:1, proxy_protocol: [10.0.0.1/8]}").unwrap_err();
    assert!(error.to_string().contains("inside of the network"), "{error}");
    assert!(error.to_string().contains("l.yaml:4:49\n"), "{error}");
}

#[test]
fn names_of_brokers_need_tls_and_a_place_to_begin() {
    let with = |listen: &str, addresses: &str| {
        let text = format!(
            "listen: {listen}\naddresses: {addresses}\nupstream: localhost:19092\n\
             identity: {{anonymous: {{}}}}\n"
        );
        parse_in(certificates().path(), &text)
    };
    let tls = format!("{{address: 127.0.0.1:1, tls: {{{TLS}}}}}");
    let names = "{sni: \"b{node}.kafka.test:9092\", bootstrap: kafka.test}";
    let config = with(&tls, names).unwrap();
    assert!(matches!(config.clusters[0].addresses, Addresses::Names(_)));
    let error = with("127.0.0.1:1", names).unwrap_err().to_string();
    assert!(error.contains("`sni` needs TLS, and 127.0.0.1:1 speaks plaintext"), "{error}");
    for (addresses, said) in [
        ("{sni: \"b{node}.kafka.test:9092\"}", "no `bootstrap`"),
        ("{sni: \"b.kafka.test:9092\", bootstrap: kafka.test}", "no `{node}`"),
        ("{sni: \"b{node}.kafka.test:9092\", bootstrap: b1.kafka.test}", "name of a broker"),
        ("{sni: \"b{node}.x:9\", bootstrap: x, ports: 1-2}", "`ports` has no meaning"),
        ("{ports: 9093-9099, host: h, bootstrap: x}", "without `sni`"),
    ] {
        let error = with(&tls, addresses).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn ports_of_brokers_have_one_way_in() {
    let listen = format!("[127.0.0.1:1, {{address: 127.0.0.1:2, tls: {{{TLS}}}}}]");
    let text = format!(
        "listen: {listen}\naddresses: {{ports: 9093-9099, host: h}}\nupstream: localhost:19092\n\
         identity: {{anonymous: {{}}}}\n"
    );
    let error = parse_in(certificates().path(), &text).unwrap_err().to_string();
    assert!(error.contains("the listeners on 127.0.0.1 differ"), "{error}");
    assert!(listening(&listen).is_ok(), "with `keep` they may differ");
}

#[test]
fn certificates_are_a_login_only_where_they_are_asked_for() {
    let with = |listen: &str, identity: &str| {
        let text = small_with("listen", &format!("listen: {listen}"));
        let kept = text.lines().filter(|line| !line.starts_with("identity"));
        let text: String = kept.chain([identity]).map(|line| format!("{line}\n")).collect();
        parse_in(certificates().path(), &text)
    };
    let mutual = format!("{{address: 127.0.0.1:1, tls: {{{TLS}, client_ca: cert.pem}}}}");
    let config = with(&mutual, "identity: {mtls: {principal: san_uri}}").unwrap();
    let name = config.clusters[0].identity.certificate_name;
    assert_eq!(name, Some(crate::auth::certificate::CertificateName::SanUri));
    let config = with(&mutual, "identity: {mtls: {}}").unwrap();
    let name = config.clusters[0].identity.certificate_name;
    assert_eq!(name, Some(crate::auth::certificate::CertificateName::Subject));
    let tls = format!("{{address: 127.0.0.1:1, tls: {{{TLS}}}}}");
    let error = with(&tls, "identity: {mtls: {}}").unwrap_err().to_string();
    assert!(error.contains("asks for client certificates"), "{error}");
    let error = with(&mutual, "identity: {mtls: {principal: dn}}").unwrap_err().to_string();
    assert!(error.contains("unknown value `dn`"), "{error}");
}
