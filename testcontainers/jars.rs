//! Apache Kafka's jars, from Maven Central, once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::installed::install_once;
use super::process::Program;

/// The version that the tests run against unless they name another.
pub const KAFKA_VERSION: &str = "4.3.1";

const POM: &str = include_str!("pom.xml");
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(10);

/// The jars of one Kafka version, and the `java` to run them with.
#[derive(Clone, Debug)]
pub struct KafkaJars {
    version: String,
    directory: PathBuf,
}

impl KafkaJars {
    /// The jars of [`KAFKA_VERSION`].
    ///
    /// # Panics
    /// When Java or Maven is missing, or Maven cannot get the jars.
    pub fn resolve() -> Self {
        Self::of_version(KAFKA_VERSION)
    }

    /// The jars of another version that `pom.xml` fits, 3.9.1 and 4.0.0 for example.
    pub fn of_version(version: &str) -> Self {
        let recipe = format!("{version}\n{POM}");
        let directory = install_once(&format!("kafka-{version}"), &recipe, |directory| {
            copy_dependencies(version, directory);
        });
        Self { version: version.to_owned(), directory }
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// The value of `-cp`: Java itself expands the star.
    pub fn classpath(&self) -> String {
        format!("{}/*", self.directory.display())
    }

    /// `java` with these jars on its class path; the main class comes next, after JVM flags.
    pub fn java(&self) -> Program {
        java().arguments(["-cp", &self.classpath()])
    }

    /// The jar whose name starts with `prefix`, for example `kafka-clients`.
    pub fn jar(&self, prefix: &str) -> PathBuf {
        let name = format!("{prefix}-{}.jar", self.version);
        let path = self.directory.join(&name);
        assert!(path.is_file(), "{name} is not among Kafka's jars");
        path
    }
}

/// `$JAVA_HOME/bin/java`, or the one on the `PATH`.
pub fn java() -> Program {
    match std::env::var_os("JAVA_HOME") {
        Some(home) => Program::new(Path::new(&home).join("bin").join("java")),
        None => Program::found("java", "Kafka needs a JDK, version 17 or later"),
    }
}

fn copy_dependencies(version: &str, directory: &Path) {
    let pom_path = directory.join("pom.xml");
    fs::write(&pom_path, POM).expect("the target directory must be writable");
    let maven = Program::found("mvn", "the tests get Apache Kafka through Maven 3.8 or later");
    let copied = maven
        .arguments(["-q", "-B", "-f"])
        .argument(&pom_path)
        .argument(COPY)
        .argument("-DincludeScope=runtime")
        .argument(format!("-DoutputDirectory={}", directory.display()))
        .argument(format!("-Dkafka.version={version}"))
        .run(DOWNLOAD_LIMIT);
    assert!(copied.succeeded(), "Apache Kafka {version} cannot be had\n{}", copied.explain());
}
