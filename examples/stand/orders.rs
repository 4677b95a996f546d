//! The orders of a driver, and what has been started by them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::testcontainers::certificates::Authority;
use crate::testcontainers::{
    Authorizer, Kafka, KafkaJars, KafkaSettings, Lockgate, LockgateSettings, OauthListener, Python,
    Tap, TokenIssuer, issuer, ports,
};

/// Where Lockgate listens when a relay stands on its ports.
const BEHIND_RELAY: &str = "127.0.0.3";

/// One line of standard input.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Order {
    /// Free ports in a row.
    Ports {
        count: u16,
    },
    Kafka(KafkaOrder),
    /// Where the jars of a version are, for clients that run in Java.
    Jars {
        version: String,
    },
    /// The Python of the tests, with their clients.
    Python {},
    /// A certificate authority with one server and one client, as PEM files.
    Certificates {
        server: Vec<String>,
        client: String,
    },
    Issuer {},
    /// A token for `subject`, without a login at the issuer.
    Token {
        subject: String,
        groups: Vec<String>,
        seconds: i64,
    },
    /// Lets a client id get tokens from the issuer.
    Enroll {
        client: String,
        groups: Vec<String>,
    },
    Lockgate(LockgateOrder),
    /// `SIGTERM`, then the same again on the same ports.
    Restart {
        name: String,
    },
    /// `kill -9`, then the same again on the same ports.
    Kill {
        name: String,
    },
    /// What Lockgate has logged.
    Log {
        name: String,
    },
    /// Relays ports of 127.0.0.1 to the same ports of 127.0.0.3 and searches what goes back.
    Relay {
        name: String,
        ports: Vec<u16>,
        search: Vec<String>,
    },
    /// What relays have found: how often, and in how many bytes.
    Seen {
        name: String,
    },
    /// Ends what has this name.
    End {
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KafkaOrder {
    name: String,
    #[serde(default = "one")]
    nodes: u16,
    /// The id of the first node.
    #[serde(default = "id_one")]
    first_id: i32,
    version: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
    /// What the client listener of each node advertises in place of itself.
    #[serde(default)]
    advertised: Vec<String>,
    /// ACLs are judged; what none mentions is allowed.
    #[serde(default)]
    authorizer: bool,
    /// A listener with OAUTHBEARER, of the issuer.
    #[serde(default)]
    oauth: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockgateOrder {
    name: String,
    config: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
}

fn one() -> u16 {
    1
}

fn id_one() -> i32 {
    1
}

/// Everything that runs.
#[derive(Default)]
pub struct Stand {
    // Lockgate first: it ends before the brokers behind it.
    lockgates: BTreeMap<String, Lockgate>,
    kafkas: BTreeMap<String, Kafka>,
    relays: BTreeMap<String, Tap>,
    issuer: Option<TokenIssuer>,
    authorities: Vec<Authority>,
}

impl Stand {
    /// Does what the line says and answers with what the driver needs to know.
    ///
    /// # Panics
    /// When the line is no order, or what it orders does not start.
    pub fn carry_out(&mut self, line: &str) -> Value {
        let order = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match order {
            Order::Ports { count } => json!({"first": ports::consecutive(count).start()}),
            Order::Kafka(order) => self.start_kafka(order),
            Order::Jars { version } => {
                json!({"classpath": KafkaJars::of_version(&version).classpath()})
            }
            Order::Python {} => {
                let python = Python::environment();
                json!({"interpreter": python.programs_directory().join("python")})
            }
            Order::Certificates { server, client } => self.certify(&server, &client),
            Order::Issuer {} => {
                let issuer = self.issuer.get_or_insert_with(TokenIssuer::start);
                let (url, token) = (issuer.url(), issuer.token_url());
                json!({"url": url, "token_url": token, "audience": issuer::AUDIENCE})
            }
            Order::Token { subject, groups, seconds } => {
                let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                json!({"token": self.issuer().token(&subject, &groups, seconds)})
            }
            Order::Enroll { client, groups } => {
                let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                self.issuer().enroll(&client, &groups);
                json!({})
            }
            Order::Lockgate(order) => self.start_lockgate(order),
            Order::Restart { name } => {
                let status = self.lockgate(&name).stop();
                self.lockgate(&name).start_again();
                json!({"status": status.code()})
            }
            Order::Kill { name } => {
                self.lockgate(&name).kill();
                self.lockgate(&name).start_again();
                json!({})
            }
            Order::Log { name } => json!({"log": self.lockgate(&name).stderr()}),
            Order::Relay { name, ports, search } => {
                let search = search.iter().map(|text| bytes(text)).collect();
                let relay = Tap::searching("127.0.0.1", BEHIND_RELAY, ports, search);
                self.relays.insert(name, relay);
                json!({})
            }
            Order::Seen { name } => {
                let relay = self.relays.get(&name).expect("a relay of this name");
                json!({"found": relay.found(), "bytes": relay.bytes()})
            }
            Order::End { name } => {
                self.lockgates.remove(&name);
                self.kafkas.remove(&name);
                json!({})
            }
        }
    }

    fn start_kafka(&mut self, order: KafkaOrder) -> Value {
        let mut settings = KafkaSettings::one_node();
        if order.nodes > 1 {
            settings = KafkaSettings::three_nodes();
        }
        settings = settings.first_id(order.first_id);
        if let Some(version) = &order.version {
            settings = settings.version(version);
        }
        for (name, value) in &order.properties {
            settings = settings.property(name, value);
        }
        if !order.advertised.is_empty() {
            settings = settings.advertised(order.advertised);
        }
        if order.authorizer {
            settings = settings.authorizer(Authorizer::OpenByDefault);
        }
        if order.oauth {
            settings = settings.oauth(OauthListener {
                jwks_url: self.issuer().key_set_url(),
                issuer: self.issuer().url(),
                audience: issuer::AUDIENCE.to_owned(),
            });
        }
        let kafka = Kafka::start(&settings);
        let answer = json!({
            "bootstrap": kafka.bootstrap(),
            "direct": kafka.direct_bootstrap(),
            "sasl": kafka.sasl_bootstrap(),
        });
        self.kafkas.insert(order.name, kafka);
        answer
    }

    fn start_lockgate(&mut self, order: LockgateOrder) -> Value {
        let mut settings = LockgateSettings::new(order.config);
        for (name, text) in order.files {
            settings = settings.file(&name, text);
        }
        let lockgate = Lockgate::start(settings);
        let answer = json!({"directory": lockgate.directory()});
        self.lockgates.insert(order.name, lockgate);
        answer
    }

    fn certify(&mut self, server: &[String], client: &str) -> Value {
        let authority = Authority::new();
        let names: Vec<&str> = server.iter().map(String::as_str).collect();
        let (server, client) = (authority.server(&names), authority.client(client));
        let answer = json!({
            "ca": authority.ca_path(),
            "server": {"cert": server.cert, "key": server.key},
            "client": {"cert": client.cert, "key": client.key, "store": client.store()},
        });
        self.authorities.push(authority);
        answer
    }

    fn issuer(&self) -> &TokenIssuer {
        self.issuer.as_ref().expect("an issuer that has been started")
    }

    fn lockgate(&self, name: &str) -> &Lockgate {
        self.lockgates.get(name).unwrap_or_else(|| panic!("no Lockgate is named {name}"))
    }
}

/// The bytes of a text of hexadecimal digits.
fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u32> = hexadecimal.chars().map(|c| c.to_digit(16).expect("a digit")).collect();
    let pairs = digits.chunks_exact(2);
    pairs.map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits")).collect()
}
