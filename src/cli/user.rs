//! `lockgate config user`: who may log in by a password, in a file that holds no password.

use std::fmt;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use thiserror::Error;

use super::report::{self, Exit};
use crate::auth::plain::{PASSWORD_BYTES_MAX, Password, is_name};
use crate::auth::scram::{ITERATIONS_MAX, ITERATIONS_MIN, SALT_BYTES};
use crate::auth::users::{DECOY_BYTES, ITERATIONS_DEFAULT, User, Users};
use crate::identity::ISSUER_SEPARATOR;
use crate::io::users;

/// Where the password may stand, beside standard input and a file.
const PASSWORD_VARIABLE: &str = "LOCKGATE_PASSWORD";

/// What `config user` takes. The password is never an argument: those can be seen by everybody on
/// the machine. It comes from `--password-file`, from the environment variable `LOCKGATE_PASSWORD`,
/// or from standard input: asked for on a terminal, else read to its end.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("whom").args(["name", "positional", "list"]).required(true))]
pub struct ConfigUser {
    /// The users file, as named under `identity.plain` or `identity.scram`. It is made if it does
    /// not exist, and only its owner can read it.
    #[arg(short = 'f', long, alias = "users", value_name = "FILE")]
    file: PathBuf,
    /// The user.
    #[arg(short = 'n', long, alias = "user", value_name = "NAME")]
    name: Option<String>,
    /// The user, without `--name`.
    #[arg(value_name = "NAME")]
    positional: Option<String>,
    /// The user's groups, separated by commas; without it a user keeps those it has.
    #[arg(short = 'g', long, alias = "group", value_name = "GROUPS", value_delimiter = ',')]
    groups: Option<Vec<String>>,
    /// The file that holds the password; a line end behind it is not part of it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["remove", "list", "keep_password"])]
    password_file: Option<PathBuf>,
    /// Leave the password as it is and change the groups only.
    #[arg(long, conflicts_with_all = ["remove", "list"])]
    keep_password: bool,
    /// How often the password is hashed: more makes guessing, and each login, slower.
    #[arg(long, value_name = "COUNT", default_value_t = ITERATIONS_DEFAULT,
          value_parser = clap::value_parser!(u32)
              .range(i64::from(ITERATIONS_MIN)..=i64::from(ITERATIONS_MAX)))]
    iterations: u32,
    /// Take the user out of the file.
    #[arg(long, alias = "delete", conflicts_with = "list")]
    remove: bool,
    /// Print every user and its groups.
    #[arg(long)]
    list: bool,
}

/// Why the file is not written.
#[derive(Debug, Error)]
enum UserError {
    #[error("{0}")]
    Content(String),
    #[error("{}: {error}", .path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("the password cannot be read: {0}")]
    Password(io::Error),
    #[error("the password is empty")]
    Empty,
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes, or holds a zero byte")]
    Unfit,
    #[error("the two passwords differ")]
    Differ,
    #[error("{what} `{name}`: it is not empty and has at most 256 bytes, no controls{more}")]
    Name { what: &'static str, name: String, more: &'static str },
    #[error("there is no user `{name}` in {}", .path.display())]
    Nobody { path: PathBuf, name: String },
    #[error("no random bytes can be had")]
    Random,
    #[error("{0}")]
    Output(io::Error),
}

impl ConfigUser {
    pub(super) fn run(&self, output: &mut impl Write) -> Exit {
        match self.change(output) {
            Ok(()) => Exit::Success,
            Err(UserError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Exit::Success
            }
            Err(error @ UserError::Nobody { .. }) => {
                report::fail(&error);
                Exit::Findings
            }
            Err(error) => report::fail(&error),
        }
    }

    fn change(&self, output: &mut impl Write) -> Result<(), UserError> {
        let mut users = read(&self.file)?;
        let Some(name) = self.name.as_ref().or(self.positional.as_ref()) else {
            return list(&users, output).map_err(UserError::Output);
        };
        if !is_name(name) || name.contains(ISSUER_SEPARATOR) {
            let (what, more) = ("the name", " and no `|`");
            return Err(UserError::Name { what, name: name.clone(), more });
        }
        let nobody = || UserError::Nobody { path: self.file.clone(), name: name.clone() };
        let said = if self.remove {
            if !users.remove(name) {
                return Err(nobody());
            }
            format!("removed {name} from {}", self.file.display())
        } else {
            let before = users.user(name).cloned();
            let known = before.is_some();
            if self.keep_password && !known {
                return Err(nobody());
            }
            let groups = match self.groups()? {
                Some(groups) => Some(groups),
                None => before.as_ref().and_then(|user| user.groups.clone()),
            };
            let user = match before {
                Some(user) if self.keep_password => user,
                Some(_) | None => self.user()?,
            };
            users.put(name, User { groups, ..user });
            let verb = if known { "changed" } else { "added" };
            format!("{verb} {name} in {}", self.file.display())
        };
        let path = self.file.clone();
        users::write(&self.file, &users).map_err(|error| UserError::File { path, error })?;
        writeln!(output, "{said}").map_err(UserError::Output)
    }

    fn groups(&self) -> Result<Option<Arc<[Arc<str>]>>, UserError> {
        let Some(written) = &self.groups else { return Ok(None) };
        // `--groups ""` is how one says "in no group".
        let mut names: Vec<&str> = written.iter().map(|name| name.trim()).collect();
        if names == [""] {
            names.clear();
        }
        names.sort_unstable();
        names.dedup();
        if let Some(bad) = names.iter().find(|name| !is_name(name)) {
            return Err(UserError::Name { what: "the group", name: (*bad).to_owned(), more: "" });
        }
        Ok(Some(names.into_iter().map(Arc::from).collect()))
    }

    fn user(&self) -> Result<User, UserError> {
        let password = self.password()?;
        let text = password.text();
        if text.is_empty() {
            return Err(UserError::Empty);
        }
        if text.len() > PASSWORD_BYTES_MAX || text.contains('\0') {
            return Err(UserError::Unfit);
        }
        let salts = [random(SALT_BYTES)?, random(SALT_BYTES)?];
        let iterations = NonZeroU32::new(self.iterations).unwrap_or(NonZeroU32::MIN);
        Ok(User::with_password(text, salts, iterations))
    }

    fn password(&self) -> Result<Password, UserError> {
        if let Some(path) = &self.password_file {
            let read = fs::read_to_string(path);
            let text = read.map_err(|error| UserError::File { path: path.clone(), error })?;
            return Ok(without_line_end(text));
        }
        if let Ok(text) = std::env::var(PASSWORD_VARIABLE) {
            return Ok(Password::new(text));
        }
        let input = io::stdin();
        if !input.is_terminal() {
            let mut text = String::new();
            input.lock().read_to_string(&mut text).map_err(UserError::Password)?;
            return Ok(without_line_end(text));
        }
        let first = asked("password: ").map_err(UserError::Password)?;
        let second = asked("the same again: ").map_err(UserError::Password)?;
        if first == second { Ok(first) } else { Err(UserError::Differ) }
    }
}

/// The users of a file; nobody where there is none yet.
fn read(path: &Path) -> Result<Users, UserError> {
    match fs::read_to_string(path) {
        Ok(text) => Users::parse(&path.display().to_string(), &text)
            .map_err(|problem| UserError::Content(problem.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut decoy = [0; DECOY_BYTES];
            aws_lc_rs::rand::fill(&mut decoy).map_err(|_| UserError::Random)?;
            Ok(Users::new(decoy))
        }
        Err(error) => Err(UserError::File { path: path.to_owned(), error }),
    }
}

fn list(users: &Users, output: &mut impl Write) -> io::Result<()> {
    for name in users.names() {
        let groups = users.user(name).and_then(|user| user.groups.as_deref());
        let groups: Vec<&str> = groups.unwrap_or_default().iter().map(AsRef::as_ref).collect();
        writeln!(output, "{}", Line { name, groups: &groups })?;
    }
    Ok(())
}

struct Line<'u> {
    name: &'u str,
    groups: &'u [&'u str],
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)?;
        if !self.groups.is_empty() {
            write!(out, "\t{}", self.groups.join(","))?;
        }
        Ok(())
    }
}

fn without_line_end(mut text: String) -> Password {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Password::new(text)
}

/// Asks on the terminal, which shows nothing of the answer.
fn asked(prompt: &str) -> io::Result<Password> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let input = io::stdin();
    eprint!("{prompt}");
    let shown = tcgetattr(&input)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Flush, &hidden)?;
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    tcsetattr(&input, OptionalActions::Flush, &shown)?;
    eprintln!();
    read.map(|_| without_line_end(line))
}

fn random(bytes: usize) -> Result<Vec<u8>, UserError> {
    let mut random = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| UserError::Random)?;
    Ok(random)
}
