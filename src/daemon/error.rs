//! Why the service can't begin, or go on.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::control::socket::SocketError;
use crate::engine::projection::ProjectionError;
use crate::error::Error;
use crate::store::StoreError;
use crate::text::printable;

/// Why the service has ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The configuration or the store can't be used, or nothing can be carried out.
    #[error(transparent)]
    Domain(#[from] Error),
    /// Users can't speak to it.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Another process follows the logs for the store.
    #[error("another f2b follows the logs for {} already; f2b stop ends it", printable(&.0.to_string_lossy()))]
    Followed(PathBuf),
    /// The system doesn't tell when something happens.
    #[error("can't wait for what happens: {0}")]
    Waiting(#[from] io::Error),
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        Self::Domain(error.into())
    }
}

impl From<ConfigError> for ServiceError {
    fn from(error: ConfigError) -> Self {
        Self::Domain(error.into())
    }
}

impl From<ProjectionError> for ServiceError {
    fn from(error: ProjectionError) -> Self {
        Self::Domain(error.into())
    }
}
