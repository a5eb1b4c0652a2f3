//! Threads that answer: one that accepts clients, one for each of them.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{CLIENTS_MAX, Listener};

/// How long those that are being answered have to hear the end of it when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long an answer may take to notice that nobody is there any more.
const LAST_STEPS: Duration = Duration::from_secs(1);
/// A system that has no room for another client is asked again after this time.
const BREATHER: Duration = Duration::from_millis(100);

/// Who has asked for nothing for so long may have to make room for another.
const IDLE_GRACE: Duration = Duration::from_secs(1);

/// What is said to those who connect, by many threads at once.
pub trait Conversation: Send + Sync + 'static {
    /// Speaks to a client until there is no more to say, or he is not worth it.
    fn converse(&self, client: &Guest);

    /// Says why nothing more is said.
    fn refuse(&self, stream: &UnixStream, why: &str);

    /// Whether those for whom there is no place wait for one, instead of being refused.
    fn has_them_wait(&self) -> bool;
}

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
    conversation: Box<dyn Conversation>,
    /// Locked for a moment when a client comes or goes, never while one is spoken to.
    clients: Mutex<Clients>,
    /// A client has gone.
    gone: Condvar,
}

#[derive(Default)]
struct Clients {
    is_stopping: bool,
    last: u64,
    places: HashMap<u64, Place>,
}

struct Place {
    stream: UnixStream,
    /// When its client last asked for something, or came.
    asked: Instant,
    /// Whether he has had his answer.
    is_idle: bool,
}

impl Clients {
    /// Closes the connection of whoever has been idle for longest; whether that was anybody.
    fn make_room(&mut self) -> bool {
        let idle = self.places.iter().filter(|(_, place)| place.is_idle);
        let longest = idle.map(|(number, place)| (place.asked, *number)).min();
        let longest = longest.filter(|(since, _)| since.elapsed() >= IDLE_GRACE);
        let place = longest.and_then(|(_, number)| self.places.remove(&number));
        place.is_some_and(|place| place.stream.shutdown(Shutdown::Both).is_ok())
    }
}

impl Listener {
    /// Speaks to all who connect. Who is idle may stay for ever, unless another wants his place.
    ///
    /// # Errors
    ///
    /// The system has no thread for it.
    pub fn serve(self, conversation: impl Conversation) -> io::Result<Server> {
        let shared = Arc::new(Shared {
            listener: Arc::new(self),
            conversation: Box::new(conversation),
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
        let clients =
            self.shared.clients().places.values().map(|place| place.stream.try_clone()).collect();
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
        let Some(number) = self.enter(&stream) else {
            let many = format!("the daemon speaks to {CLIENTS_MAX} others already; try again");
            return self.conversation.refuse(&stream, &many);
        };
        let stream = Arc::new(stream);
        let client = Guest { number, stream: Arc::clone(&stream), shared: Arc::clone(self) };
        let spawned = thread::Builder::new().name("client".to_owned()).spawn(move || {
            client.shared.conversation.converse(&client);
        });
        if let Err(error) = spawned {
            let why = format!("the daemon has no thread for this: {error}; try again");
            self.conversation.refuse(&stream, &why);
        }
    }

    /// The number of a client who may come in. While one waits for a place nobody is accepted: the system has the others
    /// wait.
    fn enter(&self, stream: &UnixStream) -> Option<u64> {
        let mut clients = self.clients();
        while clients.places.len() >= CLIENTS_MAX && !clients.make_room() {
            if clients.is_stopping || !self.conversation.has_them_wait() {
                return None;
            }
            let waited = self.gone.wait_timeout(clients, BREATHER);
            clients = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        clients.last += 1;
        let number = clients.last;
        let stream = stream.try_clone().ok()?;
        let place = Place { stream, asked: Instant::now(), is_idle: false };
        clients.places.insert(number, place);
        Some(number)
    }

    /// Closes a direction of every connection and waits, for so long at most, until all clients have gone.
    fn end(&self, direction: Shutdown, wait: Duration) {
        let clients = self.clients();
        for place in clients.places.values() {
            let _ = place.stream.shutdown(direction);
        }
        let is_any = |clients: &mut Clients| !clients.places.is_empty();
        drop(self.gone.wait_timeout_while(clients, wait, is_any));
    }
}

/// A client who has come in, and goes however his thread ends.
pub struct Guest {
    number: u64,
    stream: Arc<UnixStream>,
    shared: Arc<Shared>,
}

impl Guest {
    /// The connection with him.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// He asks for nothing now: from then on his connection may be closed, so that another is spoken to.
    pub fn rests(&self) {
        if let Some(place) = self.shared.clients().places.get_mut(&self.number) {
            place.is_idle = true;
        }
    }

    /// He asks for something.
    pub fn asks(&self) {
        if let Some(place) = self.shared.clients().places.get_mut(&self.number) {
            (place.is_idle, place.asked) = (false, Instant::now());
        }
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.shared.clients().places.remove(&self.number);
        self.shared.gone.notify_all();
    }
}
