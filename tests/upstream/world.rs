//! One secured broker, the issuer that it believes, and what is asked of a gateway before it.

use std::sync::LazyLock;

use crate::testcontainers::secured::add_scram_user;
use crate::testcontainers::{CertificateFiles, Kafka, KafkaSettings, OauthListener, TokenIssuer};

pub struct World {
    pub issuer: TokenIssuer,
    pub files: CertificateFiles,
    pub kafka: Kafka,
}

/// Started by the first test that asks.
pub fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let issuer = TokenIssuer::start();
        let files = CertificateFiles::make();
        let settings = KafkaSettings::one_node()
            .oauth(OauthListener {
                jwks_url: issuer.key_set_url(),
                issuer: issuer.url(),
                audience: "kafka".to_owned(),
            })
            .secured(&files);
        let kafka = Kafka::start(&settings);
        add_scram_user(&kafka, "carol", "carol-secret");
        World { issuer, files, kafka }
    });
    &WORLD
}
