//! f2b: fail2ban's job with a memory.
//!
//! The path of the data is the layout of the crate:
//!
//! ```text
//! bytes ──▶ lines ──▶ date ──▶ match ──▶ failure ──▶ decision ──▶ ban
//! source    source    date     filter    model       decide       model
//!                                └────────────── store ─────────────┘
//!   engine runs the path; control answers requests; cli shows both
//! ```
//!
//! Layers, from the bottom: a module uses those of the layers above it in this list, never its
//! neighbours unless named here.
//!
//! 0. [`model`], [`diag`], [`text`]: nouns, findings, showing strangers' bytes
//! 1. [`config`], [`source`], [`date`], [`store`], [`command`]
//! 2. [`filter`] (uses `config`, `date`), [`decide`], [`enforce`], [`exchange`], [`logline`]
//! 3. [`engine`], [`check`]
//! 4. [`error`]
//! 5. [`control`]
//! 6. [`compat`]
//! 7. [`daemon`]
//! 8. [`cli`]
//!
//! Start reading at [`engine`], which runs the path, or at `docs/architecture.md`.

pub mod check;
pub mod cli;
pub mod command;
pub mod compat;
pub mod config;
pub mod control;
pub mod daemon;
pub mod date;
pub mod decide;
pub mod diag;
pub mod enforce;
pub mod engine;
pub mod error;
pub mod exchange;
pub mod filter;
pub mod logline;
pub mod model;
pub mod source;
pub mod store;
pub mod text;
