//! The real binary, run as a user runs it.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod bad_input;
mod bans;
mod batch;
mod beside_fail2ban;
mod check;
mod check_jail;
mod config_hints;
mod encodings;
mod enforcement;
mod enforcing;
mod exchange;
mod fail2ban;
mod forms;
mod gone;
mod guard;
mod harness;
mod history;
mod hostile_output;
mod identity;
mod ignore;
mod import;
mod jails;
mod journal;
mod logs;
mod long_lines;
mod only_failures;
mod operands;
mod other_bytes;
mod purge;
mod read_only;
mod readme;
mod reasons;
mod recidive;
mod several_lines;
mod socket;
mod socket_clients;
mod socket_daemon;
mod take_over;
mod templates;
mod truth;
mod undated;
mod words;
