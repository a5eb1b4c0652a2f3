//! Letters: what fail2ban's `smtp.py`, a program in Python, does, with the same parameters.
//!
//! It takes the place of commands: an operation's text is a letter, in JSON behind a first line that no command has.
//! So it is kept in the state with all else under which an action was started.
//!
//! DIFFERS: a ban's own time is told, not its jail's; the port may be left out; the server's certificate must be good
//! unless it is this machine; a server that says nothing holds nobody up.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use lettre::address::AddressError;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message, SmtpTransport, Transport as _};
use serde::{Deserialize, Serialize};

use super::script::Operation;
use crate::command;
use crate::command::tag::own_name;
use crate::config::ActionDef;
use crate::diag::{Diagnostic, Severity};
use crate::model::Time;
use crate::text;

/// What a text that is a letter begins with.
const MARK: &str = "#! a letter\n";

/// Where mail goes to if nothing else is said.
const PORT: u16 = 25;

/// Parameters of the action; `name` and `actname` are every action's.
const PARAMETERS: [&str; 11] = [
    "name",
    "actname",
    "host",
    "ssl",
    "user",
    "password",
    "sendername",
    "sender",
    "dest",
    "matches",
    "timeout",
];

/// A letter to be sent; one whose tags have no values yet is a form of letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    host: String,
    port: u16,
    /// Whether the connection is encrypted after it was made (`ssl`).
    has_tls: bool,
    credentials: Option<(String, String)>,
    from_name: String,
    from: String,
    to: Vec<String>,
    subject: String,
    body: String,
}

/// Why a letter was not sent.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// An address is none.
    #[error("'{}' is no mail address: {error}", text::shown(.address))]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        error: AddressError,
    },
    /// It could not be put into the form of a mail.
    #[error("{0}")]
    Form(#[from] lettre::error::Error),
    /// The server didn't take it.
    #[error("mail server {server}: {}", whole(.error))]
    Server {
        /// The server.
        server: String,
        /// What it said.
        error: lettre::transport::smtp::Error,
    },
}

impl Letter {
    /// The letters of an action, by operation, each as a text.
    pub(super) fn forms(def: &ActionDef) -> Result<Vec<(Operation, String)>, Box<Diagnostic>> {
        let own = |name: &&String| !PARAMETERS.contains(&name.as_str());
        if let Some(unknown) = def.properties.keys().find(own) {
            return Err(wrong(def, unknown, "is no parameter of 'smtp.py'"));
        }
        let given = |name: &str, default: &str| {
            def.properties.get(name).map_or_else(|| default.to_owned(), |text| text.value.clone())
        };
        let host = given("host", "localhost");
        let (host, port) = match host.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => {
                let port =
                    port.parse().map_err(|_| wrong(def, "host", "has no port behind ':'"))?;
                (name.to_owned(), port)
            }
            _ => (host, PORT),
        };
        let lines = match &*given("matches", "") {
            "" => String::new(),
            tag @ ("matches" | "ipmatches" | "ipjailmatches") => {
                format!("Lines with its failures:\n\n<{tag}>\n\n")
            }
            _ => return Err(wrong(def, "matches", "is none of matches, ipmatches, ipjailmatches")),
        };
        let name = given("name", "");
        let form = Self {
            host,
            port,
            has_tls: def.is_on("ssl"),
            credentials: (!given("user", "").is_empty())
                .then(|| (given("user", ""), given("password", "")))
                .filter(|(_, password)| !password.is_empty()),
            from_name: given("sendername", "Fail2Ban"),
            from: given("sender", "fail2ban"),
            to: given("dest", "root").split(", ").map(|to| to.trim().to_owned()).collect(),
            subject: String::new(),
            body: String::new(),
        };
        let about = |operation: Operation, what: &str, body: String| {
            let subject = format!("[Fail2Ban] {name}: {what} <fq-hostname>");
            let form = Self { subject, body, ..form.clone() };
            let form = serde_json::to_string(&form).expect("it is made of texts");
            (operation, format!("{MARK}{form}"))
        };
        let ban = format!(
            "<ip> is banned for <bantime> seconds, after <failures> failures, by jail {name} on \
             <fq-hostname>.\n\n{lines}-- \nf2b"
        );
        let jail = |what| format!("Jail {name} on <fq-hostname> is {what}.\n\n-- \nf2b");
        Ok(vec![
            about(Operation::Start, "started on", jail("started")),
            about(Operation::Stop, "stopped on", jail("stopped")),
            about(Operation::Ban, "banned <ip> from", ban),
        ])
    }

    /// The letter of a text, its tags with their values; `None` if it is a command.
    pub(super) fn fill<'v>(
        form: &str,
        mut value: impl FnMut(&str) -> Option<Cow<'v, str>>,
    ) -> Option<Self> {
        let mut letter: Self = serde_json::from_str(form.strip_prefix(MARK)?).ok()?;
        let subject = command::replace(&letter.subject, &mut value);
        // A line break would begin another header.
        letter.subject = subject.replace(char::is_control, " ");
        letter.body = command::replace(&letter.body, &mut value);
        Some(letter)
    }

    /// Sends it, in no more than `timeout` for each answer of the server.
    pub(super) fn send(&self, now: Time, timeout: Duration) -> Result<(), LetterError> {
        let message = self.message(now)?;
        let failed = |error| LetterError::Server { server: self.server(), error };
        let mut builder = SmtpTransport::builder_dangerous(self.host.clone())
            .port(self.port)
            .timeout(Some(timeout))
            .hello_name(ClientId::Domain(own_name()));
        if self.has_tls {
            // Its certificate is mostly one that the machine made for itself, with another name.
            let is_own = is_own(&self.host);
            let tls = TlsParameters::builder(self.host.clone())
                .dangerous_accept_invalid_certs(is_own)
                .dangerous_accept_invalid_hostnames(is_own);
            builder = builder.tls(Tls::Required(tls.build_rustls().map_err(failed)?));
        }
        if let Some((user, password)) = &self.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        builder.build().send(&message).map(drop).map_err(failed)
    }

    fn message(&self, now: Time) -> Result<Message, LetterError> {
        let from = Mailbox::new(Some(self.from_name.clone()), address(&self.from)?);
        let since_1970 = Duration::from_secs(u64::try_from(now.secs()).unwrap_or(0));
        let mut message = Message::builder().from(from).date(SystemTime::UNIX_EPOCH + since_1970);
        for to in &self.to {
            message = message.to(Mailbox::new(None, address(to)?));
        }
        Ok(message.subject(self.subject.clone()).body(self.body.clone())?)
    }

    fn server(&self) -> String {
        format!("{}:{}", text::shown(&self.host), self.port)
    }
}

/// As a person reads it.
impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Server: {}", self.server())?;
        writeln!(
            f,
            "From: {} <{}>",
            text::printable(&self.from_name),
            text::printable(&self.from)
        )?;
        writeln!(f, "To: {}", text::printable(&self.to.join(", ")))?;
        writeln!(f, "Subject: {}\n", text::printable(&self.subject))?;
        self.body.lines().try_for_each(|line| writeln!(f, "{}", text::printable(line)))
    }
}

/// An address; one without a domain is of this machine, as mail servers take it.
fn address(text: &str) -> Result<Address, LetterError> {
    let whole = if text.contains('@') { text.to_owned() } else { format!("{text}@{}", own_name()) };
    whole.parse().map_err(|error| LetterError::Address { address: text.to_owned(), error })
}

fn is_own(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An error with its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    text::shown(&told).into_owned()
}

fn wrong(def: &ActionDef, parameter: &str, what: &str) -> Box<Diagnostic> {
    let message = format!("'{}' {what}", text::shown(parameter));
    let found = Diagnostic::new("bad-parameter", Severity::Error, message);
    let found = match def.properties.get(parameter) {
        Some(text) => found.with_location(text.at.clone()),
        None => found,
    };
    Box::new(found.with_help(format!("it has {}", PARAMETERS[2..].join(", "))))
}
