//! The RFC 7628 frame, as Java's and librdkafka's clients send it and as nobody should.

use super::*;

fn frame(text: &str) -> Result<BearerToken<'_>, SaslFault> {
    initial_response(text.as_bytes())
}

#[test]
fn real_clients_are_understood() {
    for text in [
        "n,,\u{1}auth=Bearer a.b.c\u{1}\u{1}",
        "n,,\u{1}auth=bearer a.b.c\u{1}\u{1}",
        "n,,\u{1}auth=Bearer  a.b.c\u{1}\u{1}",
        "n,,\u{1}host=broker\u{1}port=9092\u{1}auth=Bearer a.b.c\u{1}\u{1}",
        "n,,\u{1}auth=Bearer a.b.c\u{1}traceId=123\u{1}logicalCluster=lkc 1\u{1}\u{1}",
    ] {
        let token = frame(text).unwrap();
        assert_eq!(token.secret_text(), "a.b.c");
        assert_eq!(token.authorization_id(), None);
    }
    let named = frame("n,a=jane=2C=3D,\u{1}auth=Bearer a.b.c\u{1}\u{1}").unwrap();
    assert_eq!(named.authorization_id().as_deref(), Some("jane,="));
}

#[test]
fn other_forms_are_named() {
    use SaslFault::{ChannelBinding, DuplicateKey, Malformed, NoToken, NotBearer};
    for (text, fault) in [
        ("", Malformed),
        ("\u{1}", Malformed),
        ("n,,", Malformed),
        ("n,,\u{1}", Malformed),
        ("n,,\u{1}\u{1}", NoToken),
        ("n,,\u{1}auth=\u{1}\u{1}", NoToken),
        ("n,,\u{1}host=x\u{1}\u{1}", NoToken),
        ("n,,\u{1}auth=Bearer a.b.c\u{1}", Malformed),
        ("n,,\u{1}auth=Bearer a.b.c", Malformed),
        ("n,,\u{1}auth=Bearer a.b.c\u{1}\u{1}x", Malformed),
        ("n,,\u{1}auth=Bearer a.b.c\u{1}\u{1}\u{1}", Malformed),
        ("n,,\u{1}auth=Bearer a.b.c\u{1}\u{1}auth=Bearer d\u{1}\u{1}", Malformed),
        ("n,,\u{1}auth=Bearer a.b.c\u{1}auth=Bearer d.e.f\u{1}\u{1}", DuplicateKey),
        ("n,,\u{1}x=1\u{1}x=2\u{1}auth=Bearer a\u{1}\u{1}", DuplicateKey),
        ("n,,\u{1}auth=Basic amFuZTpwdw==\u{1}\u{1}", NotBearer),
        ("n,,\u{1}auth=Bearer\u{1}\u{1}", NotBearer),
        ("n,,\u{1}auth=Bearer \u{1}\u{1}", NotBearer),
        ("n,,\u{1}auth=Bearer a b\u{1}\u{1}", NotBearer),
        ("n,,\u{1}auth=Bearer a,b\u{1}\u{1}", NotBearer),
        ("n,,\u{1}auth=Bearer\ta.b.c\u{1}\u{1}", NotBearer),
        ("n,,\u{1}auth=Bearer ä\u{1}\u{1}", Malformed),
        ("n,,\u{1}=x\u{1}auth=Bearer a\u{1}\u{1}", Malformed),
        ("n,,\u{1}a-b=x\u{1}auth=Bearer a\u{1}\u{1}", Malformed),
        ("n,,\u{1}x\u{1}auth=Bearer a\u{1}\u{1}", Malformed),
        ("n,,\u{1}x=\u{0}\u{1}auth=Bearer a\u{1}\u{1}", Malformed),
        ("y,,\u{1}auth=Bearer a.b.c\u{1}\u{1}", ChannelBinding),
        ("p=tls-exporter,,\u{1}auth=Bearer a.b.c\u{1}\u{1}", ChannelBinding),
        ("n\u{1}auth=Bearer a.b.c\u{1}\u{1}", Malformed),
        ("n,\u{1}auth=Bearer a.b.c\u{1}\u{1}", Malformed),
        ("n,jane,\u{1}auth=Bearer a.b.c\u{1}\u{1}", Malformed),
        ("n,a=,\u{1}auth=Bearer a.b.c\u{1}\u{1}", Malformed),
        ("n,a=x,y,\u{1}auth=Bearer a.b.c\u{1}\u{1}", Malformed),
        ("n,a=x=41,\u{1}auth=Bearer a.b.c\u{1}\u{1}", Malformed),
        ("n,a=x=,\u{1}auth=Bearer a.b.c\u{1}\u{1}", Malformed),
        ("F,n,,\u{1}auth=Bearer a.b.c\u{1}\u{1}", Malformed),
    ] {
        assert_eq!(frame(text), Err(fault), "{text:?}");
    }
    let not_utf8 = b"n,a=\xff,\x01auth=Bearer a\x01\x01";
    assert_eq!(initial_response(not_utf8), Err(Malformed));
}

#[test]
fn a_frame_is_bounded_before_it_is_read() {
    let huge = format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", "a".repeat(INITIAL_RESPONSE_BYTES_MAX));
    assert_eq!(frame(&huge), Err(SaslFault::TooLarge));
    let long = format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", "a".repeat(TOKEN_BYTES_MAX + 1));
    assert_eq!(frame(&long), Err(SaslFault::TooLarge));
    let name =
        |index: u8| format!("x{}", char::from(b'a' + index % 26)).repeat(1 + index as usize / 26);
    let pairs = (0..100).map(|index| name(index) + "=1\u{1}").collect::<String>();
    let many = format!("n,,\u{1}{pairs}auth=Bearer a\u{1}\u{1}");
    assert_eq!(frame(&many), Err(SaslFault::TooLarge));
}

#[test]
fn the_failure_exchange_is_that_of_the_rfc() {
    let body: serde_json::Value = serde_json::from_slice(failure_body()).unwrap();
    assert_eq!(body, serde_json::json!({"status": "invalid_token"}));
    assert_eq!(FAILURE_ACKNOWLEDGEMENT, b"\x01");
}
