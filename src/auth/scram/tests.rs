//! The examples of RFC 5802 and RFC 7677, and what is refused.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// RFC 7677 §3.
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn challenged() -> AwaitsChallenge {
    client_first(ScramHash::Sha256, "user", "pencil", NONCE).1
}

#[test]
fn the_exchange_of_rfc_7677_is_spoken_byte_for_byte() {
    let (first, state) = client_first(ScramHash::Sha256, "user", "pencil", NONCE);
    assert_eq!(first, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let (last, state) = state.answer(SERVER_FIRST.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(last).unwrap(), CLIENT_FINAL);
    state.check(SERVER_FINAL.as_bytes()).unwrap();
}

#[test]
fn a_server_checks_the_same_exchange() {
    let first = ClientFirst::parse(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
    let challenge = ServerFirst::parse(SERVER_FIRST.as_bytes()).unwrap();
    let last = ClientFinal::parse(CLIENT_FINAL.as_bytes(), &first, &challenge).unwrap();
    let hash = ScramHash::Sha256;
    let iterations = NonZeroU32::new(challenge.iterations).unwrap();
    let keys = ServerKeys::of(hash, &salted_password(hash, "pencil", &challenge.salt, iterations));
    let signed = auth_message(&first.bare, &challenge.text, &last.without_proof);
    assert!(keys.proves(hash, &signed, &last.proof));
    let answer = ServerFinal::Signature(keys.signature(hash, &signed)).encode();
    assert_eq!(answer, SERVER_FINAL.as_bytes());
    let other = ServerKeys::of(hash, &salted_password(hash, "pen", &challenge.salt, iterations));
    assert!(!other.proves(hash, &signed, &last.proof));
    assert!(!keys.proves(hash, &signed, &last.proof[1..]));
}

#[test]
fn sha_512_talks_to_itself_and_a_wrong_password_does_not() {
    let hash = ScramHash::Sha512;
    let salt = b"0123456789abcdef";
    for (password, good) in [("sécret,=", true), ("secret", false)] {
        let (first, state) = client_first(hash, "a,b=c", password, "clientnonce");
        let first = ClientFirst::parse(&first).unwrap();
        assert_eq!((first.username.as_str(), first.nonce.as_str()), ("a,b=c", "clientnonce"));
        let challenge = ServerFirst::new(&first.nonce, "servernonce", salt, 4096);
        let (last, state) = state.answer(&challenge.encode()).unwrap();
        let last = ClientFinal::parse(&last, &first, &challenge).unwrap();
        let iterations = NonZeroU32::new(4096).unwrap();
        let keys = ServerKeys::of(hash, &salted_password(hash, "sécret,=", salt, iterations));
        let signed = auth_message(&first.bare, &challenge.text, &last.without_proof);
        assert_eq!(keys.proves(hash, &signed, &last.proof), good);
        let signature = ServerFinal::Signature(keys.signature(hash, &signed)).encode();
        assert_eq!(state.check(&signature).is_ok(), good);
    }
}

#[test]
fn hi_gives_the_known_answers() {
    // PBKDF2-HMAC-SHA-256, RFC 7914 §11; PBKDF2-HMAC-SHA-512 as other implementations give it.
    let iterations = NonZeroU32::new(1).unwrap();
    let salted = salted_password(ScramHash::Sha256, "passwd", b"salt", iterations);
    let expected = "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc";
    assert_eq!(hex(salted.bytes()), expected);
    let salted = salted_password(ScramHash::Sha512, "password", b"salt", iterations);
    let expected = "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252\
                    c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce";
    assert_eq!(hex(salted.bytes()), expected);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_server_that_does_not_know_the_password_is_found_out() {
    let (_, state) = challenged().answer(SERVER_FIRST.as_bytes()).unwrap();
    let other = format!("v={}", STANDARD.encode([7; 32]));
    assert_eq!(state.check(other.as_bytes()), Err(ScramFault::ServerSignature));
}

#[test]
fn a_refusal_is_told_in_the_servers_words_without_control_characters() {
    let (_, state) = challenged().answer(SERVER_FIRST.as_bytes()).unwrap();
    let refused = ScramFault::Refused("unknown-user [2J".into());
    assert_eq!(state.check(b"e=unknown-user \x1b[2J"), Err(refused));
}

#[test]
fn challenges_that_are_not_for_this_client_are_refused() {
    let cases: &[(&str, ScramFault)] = &[
        ("r=other,s=c2FsdA==,i=4096", ScramFault::Nonce),
        ("r=rOprNGfwEbeRWgbNEkqO,s=c2FsdA==,i=4096", ScramFault::Nonce),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=c2FsdA==,i=4095", ScramFault::Iterations(4095)),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=c2FsdA==,i=100001", ScramFault::Iterations(100_001)),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=c2FsdA==,i=-1", ScramFault::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=c2FsdA==,i=+4096", ScramFault::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=c2FsdA==,i=04096", ScramFault::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=c2FsdA==,i=4096,", ScramFault::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=c2FsdA,i=4096", ScramFault::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096", ScramFault::Malformed),
        ("r=rOprNGfwEbeRWgbNEkqOx,i=4096,s=c2FsdA==", ScramFault::Malformed),
        ("m=x,r=rOprNGfwEbeRWgbNEkqOx,s=c2FsdA==,i=4096", ScramFault::Extension),
        ("e=other-error", ScramFault::Refused("other-error".into())),
        ("", ScramFault::Malformed),
    ];
    for (message, fault) in cases {
        assert_eq!(challenged().answer(message.as_bytes()).unwrap_err(), *fault, "{message}");
    }
    let long = vec![b'r'; MESSAGE_BYTES_MAX + 1];
    assert_eq!(challenged().answer(&long).unwrap_err(), ScramFault::NotText);
}

#[test]
fn first_messages_of_clients_are_read_strictly() {
    let good = ClientFirst::parse(b"n,a=ali=2Cce,n=bob=3Db,r=abc,tokenauth=true").unwrap();
    assert_eq!(good.authorization_id.as_deref(), Some("ali,ce"));
    assert_eq!(good.username, "bob=b");
    assert_eq!(good.extensions, [("tokenauth".to_owned(), "true".to_owned())]);
    assert_eq!(good.bare, "n=bob=3Db,r=abc,tokenauth=true");
    let cases: &[(&[u8], ScramFault)] = &[
        (b"p=tls-unique,,n=a,r=b", ScramFault::ChannelBinding),
        (b"y,,n=a,r=b", ScramFault::ChannelBinding),
        (b"n,,m=x,n=a,r=b", ScramFault::Extension),
        (b"n,,n=a,r=b,m=x", ScramFault::Extension),
        (b"n,,n=,r=b", ScramFault::Malformed),
        (b"n,,n=a=2cb,r=b", ScramFault::Malformed),
        (b"n,,n=a,r=", ScramFault::Malformed),
        (b"n,,n=a,r=b c", ScramFault::Malformed),
        (b"n,,r=b,n=a", ScramFault::Malformed),
        (b"n,a=,n=a,r=b", ScramFault::Malformed),
        (b"n,b=x,n=a,r=b", ScramFault::Malformed),
        (b"n,,n=a,r=b,1=x", ScramFault::Malformed),
        (b"n,,n=a\0,r=b", ScramFault::NotText),
        (b"n,,n=\xff,r=b", ScramFault::NotText),
    ];
    for (message, fault) in cases {
        let text = String::from_utf8_lossy(message);
        assert_eq!(ClientFirst::parse(message).unwrap_err(), *fault, "{text}");
    }
}

#[test]
fn last_messages_must_repeat_head_and_nonce() {
    let first = ClientFirst::parse(b"n,,n=user,r=abc").unwrap();
    let challenge = ServerFirst::new("abc", "def", b"salt", 4096);
    let check = |message: &str| ClientFinal::parse(message.as_bytes(), &first, &challenge);
    assert!(check("c=biws,r=abcdef,p=cHJvb2Y=").is_ok());
    assert_eq!(check("c=biws,r=abcdex,p=cHJvb2Y="), Err(ScramFault::Nonce));
    assert_eq!(check("c=eSws,r=abcdef,p=cHJvb2Y="), Err(ScramFault::ChannelBinding));
    assert_eq!(check("c=biws,r=abcdef"), Err(ScramFault::Malformed));
    assert_eq!(check("c=biws,r=abcdef,p=?"), Err(ScramFault::Malformed));
    let named = ClientFirst::parse(b"n,a=me,n=user,r=abc").unwrap();
    let head = STANDARD.encode("n,a=me,");
    let message = format!("c={head},r=abcdef,p=cHJvb2Y=");
    assert!(ClientFinal::parse(message.as_bytes(), &named, &challenge).is_ok());
    assert!(check(&message).is_err());
}

#[test]
fn nothing_secret_is_shown() {
    let shown = format!("{:?}", challenged());
    assert!(!shown.contains("pencil"), "{shown}");
    let (_, state) = challenged().answer(SERVER_FIRST.as_bytes()).unwrap();
    assert_eq!(format!("{state:?}"), "AwaitsSignature { signature: Secret(32 bytes) }");
}

/// The fuzz body over messages that are nearly right.
#[test]
fn no_mutation_of_a_message_breaks_a_promise() {
    let seeds: [&[u8]; 6] = [
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO\nc=biws,r=rOprNGfwEbeRWgbNEkqOnonce,p=AAAA",
        b"n,a=us=2Cer,n=us=2Cer,r=abc,ext=1\nc=biws,r=abcnonce,p=",
        b"\0alice\0secret",
        b"r=abc,s=QUJD,i=4096",
        b"v=QUJD",
        b"users: {a: {groups: [b], scram-sha-256: {salt: QUJDREVGR0g=, iterations: 4096}}}",
    ];
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..20_000 {
        let mut mutated = seeds[round % seeds.len()].to_vec();
        for _ in 0..=noise % 3 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let at = usize::try_from(noise).unwrap() % mutated.len();
            mutated[at] = noise.to_be_bytes()[3];
        }
        crate::auth::fuzz_passwords(&mutated);
    }
}
