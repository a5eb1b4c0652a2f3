//! Threads that answer: one that accepts clients, one for each of them.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::conversation::{converse, refuse};
use super::{CLIENTS_MAX, Hello, Listener};
use crate::control::{Failed, Request, Take};

/// How long those that are being answered have to hear the end of it when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long an answer may take to notice that nobody is there any more.
const LAST_STEPS: Duration = Duration::from_secs(1);
/// A system that has no room for another client is asked again after this time.
const BREATHER: Duration = Duration::from_millis(100);

type Answer = dyn Fn(Request, &mut Take<'_>) -> Result<(), Failed> + Send + Sync;

/// A listener whose clients are answered, until it is stopped or dropped.
pub struct Server {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("listener", &self.shared.listener).finish_non_exhaustive()
    }
}

struct Shared {
    listener: Arc<Listener>,
    hello: Hello,
    answer: Box<Answer>,
    /// Locked for a moment when a client comes or goes, never while one is spoken to.
    clients: Mutex<Clients>,
    /// A client has gone.
    gone: Condvar,
}

#[derive(Default)]
struct Clients {
    is_stopping: bool,
    last: u64,
    streams: HashMap<u64, UnixStream>,
}

impl Listener {
    /// Answers requests by `answer`, which is called by many threads at once; each client is told `hello`.
    ///
    /// # Errors
    ///
    /// The system has no thread for it.
    pub fn serve(
        self,
        hello: Hello,
        answer: impl Fn(Request, &mut Take<'_>) -> Result<(), Failed> + Send + Sync + 'static,
    ) -> io::Result<Server> {
        let shared = Arc::new(Shared {
            listener: Arc::new(self),
            hello,
            answer: Box::new(answer),
            clients: Mutex::default(),
            gone: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor =
            thread::Builder::new().name("socket".to_owned()).spawn(move || accept(&accepting))?;
        Ok(Server { shared, acceptor: Some(acceptor) })
    }
}

impl Server {
    /// Accepts nobody and no request any more, and lets those that are being answered hear the end of it, for three
    /// seconds at most. An answer that goes on for longer is heard by nobody.
    pub fn stop(mut self) -> Stopped {
        let clients = self.end();
        Stopped { _listener: Arc::clone(&self.shared.listener), _clients: clients }
    }

    /// The connections of those who have heard the end.
    fn end(&mut self) -> Vec<UnixStream> {
        let Some(acceptor) = self.acceptor.take() else { return Vec::new() };
        self.shared.clients().is_stopping = true;
        let _ = rustix::net::shutdown(&self.shared.listener.socket, rustix::net::Shutdown::Both);
        let _ = acceptor.join();
        let clients = self.shared.clients().streams.values().map(UnixStream::try_clone).collect();
        self.shared.end(Shutdown::Read, LAST_WORDS);
        self.shared.end(Shutdown::Both, LAST_STEPS);
        // Who has no descriptor to spare closes a connection too early, which is all.
        let clients: Vec<io::Result<_>> = clients;
        clients.into_iter().flatten().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A server that has stopped, until the daemon has ended: as long as this lives no other can listen there, and who waits
/// for the daemon's end, as `f2b stop` does, goes on waiting. So it is dropped last.
#[derive(Debug)]
#[must_use = "it is dropped when all else of the daemon has ended"]
pub struct Stopped {
    /// Comes first: when its connection is closed, whoever waits may start another daemon.
    _listener: Arc<Listener>,
    _clients: Vec<UnixStream>,
}

fn accept(shared: &Arc<Shared>) {
    loop {
        let accepted = shared.listener.socket.accept();
        if shared.clients().is_stopping {
            return;
        }
        match accepted {
            Ok((stream, _)) => shared.welcome(stream),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => thread::park_timeout(BREATHER),
        }
    }
}

impl Shared {
    /// A client whose thread panicked left the list as it was.
    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a client a thread; who finds none is told so by this one, which his empty socket takes at once.
    fn welcome(self: &Arc<Self>, stream: UnixStream) {
        let many = format!("the daemon speaks to {CLIENTS_MAX} others already; try again");
        let Ok(Some(number)) = self.enter(&stream) else {
            let _ = refuse(&stream, &self.hello, &many);
            return;
        };
        let stream = Arc::new(stream);
        let client = Client { number, shared: Arc::clone(self) };
        let spoken = Arc::clone(&stream);
        let spawned = thread::Builder::new().name("client".to_owned()).spawn(move || {
            converse(&spoken, &client.shared.hello, &client.shared.answer);
        });
        if let Err(error) = spawned {
            let why = format!("the daemon has no thread for this: {error}; try again");
            let _ = refuse(&stream, &self.hello, &why);
        }
    }

    /// The number of a client who may come in.
    fn enter(&self, stream: &UnixStream) -> io::Result<Option<u64>> {
        let mut clients = self.clients();
        if clients.streams.len() >= CLIENTS_MAX {
            return Ok(None);
        }
        clients.last += 1;
        let number = clients.last;
        clients.streams.insert(number, stream.try_clone()?);
        Ok(Some(number))
    }

    /// Closes a direction of every connection and waits, for so long at most, until all clients have gone.
    fn end(&self, direction: Shutdown, wait: Duration) {
        let clients = self.clients();
        for stream in clients.streams.values() {
            let _ = stream.shutdown(direction);
        }
        let is_any = |clients: &mut Clients| !clients.streams.is_empty();
        drop(self.gone.wait_timeout_while(clients, wait, is_any));
    }
}

/// A client who has come in, and goes however his thread ends.
struct Client {
    number: u64,
    shared: Arc<Shared>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.clients().streams.remove(&self.number);
        self.shared.gone.notify_all();
    }
}
