//! Network namespaces and packets from one to the other.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::resume_unwind;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use rustix::thread::{
    CpuSet, LinkNameSpaceType, move_into_link_name_space, sched_getcpu, sched_setaffinity,
};

/// As long as anything may take that is to happen, on a machine with other things to do.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);
/// How much longer a packet may take than one that was sent after it, by the same processor.
const GRACE: Duration = Duration::from_millis(60);

/// A network namespace. It has no name: it is gone when nothing is in it and nobody has it, however the test ends.
pub(crate) struct Space {
    file: File,
}

impl Space {
    /// Runs something in the namespace: sockets that it opens are in there for good, processes until they end.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let enter = || {
            move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            work()
        };
        thread::scope(|scope| scope.spawn(enter).join()).unwrap_or_else(|why| resume_unwind(why))
    }

    /// Runs a command of a shell inside; what it printed. It has to end well.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> String {
        let output = self.inside(|| Command::new("sh").args(["-ec", line]).output().unwrap());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a program inside.
    pub(crate) fn output(&self, command: &mut Command) -> Output {
        self.inside(|| command.output().unwrap())
    }
}

fn batch(lines: &str) {
    let mut ip = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    ip.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = ip.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "namespaces need root and iproute2: {said}");
}

/// The hardware address of the cables of the namespace with this number.
pub(crate) fn mac(space: usize) -> String {
    format!("02:00:00:00:00:0{space}")
}

/// Makes namespaces with cables between them, and lets `ip` do in each what its `lines` say; the ends of the first cable
/// are called `f2b0`.
pub(crate) fn spaces<const N: usize>(cables: &[[usize; 2]], lines: [String; N]) -> [Space; N] {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let stem = format!("f2b-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let names: [String; N] = std::array::from_fn(|number| format!("{stem}-{number}"));
    let each = |verb: &str| names.each_ref().map(|name| format!("netns {verb} {name}\n")).concat();
    let cable = |(number, ends): (usize, &[usize; 2])| {
        let [one, other] = ends.map(|space| &names[space]);
        let mac = |space| format!("address {}", mac(space));
        let [own, peer] = ends.map(mac);
        format!(
            "link add f2b{number} {own} netns {one} type veth peer name f2b{number} {peer} netns {other}\n"
        )
    };
    let cables: Vec<String> = cables.iter().enumerate().map(cable).collect();
    batch(&(each("add") + &cables.concat()));
    let spaces = names.each_ref().map(|name| {
        let file = File::open(format!("/run/netns/{name}"));
        Space { file: file.unwrap() }
    });
    for (space, lines) in spaces.iter().zip(lines) {
        space.inside(|| batch(&lines));
    }
    batch(&each("del"));
    spaces
}

/// Sockets of a server, in its namespace.
pub(crate) struct Server {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
}

impl Server {
    /// Listens on ports, for both families. The kernel answers those who connect, whether or not anybody looks.
    pub(crate) fn new(space: &Space, tcp: &[u16], udp: &[u16]) -> Self {
        let at = |port: &u16| SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), *port);
        space.inside(|| Self {
            tcp: tcp.iter().map(|port| TcpListener::bind(at(port)).unwrap()).collect(),
            udp: udp.iter().map(|port| UdpSocket::bind(at(port)).unwrap()).collect(),
        })
    }

    /// Whether a host gets a connection to `to`; `None` if it is told neither. Another, whom nobody bans, asks for one
    /// afterwards and has to get it: the time that this took, the first has had as well.
    #[track_caller]
    pub(crate) fn answer(
        &self,
        client: &Space,
        from: IpAddr,
        other: IpAddr,
        to: SocketAddr,
        patience: Duration,
    ) -> Option<bool> {
        assert!(self.tcp.iter().any(|tcp| tcp.local_addr().unwrap().port() == to.port()));
        let (first, second) = client.inside(|| {
            stay_on_this_processor();
            (Attempt::new(from, to), Attempt::new(other, to))
        });
        assert_eq!(second.answer(DEADLINE), Some(true), "{other} is kept out of {to}");
        let answer = first.answer(GRACE).or_else(|| first.answer(patience));
        for tcp in &self.tcp {
            // Only so many connections wait to be taken; the next one would look kept out.
            tcp.set_nonblocking(true).unwrap();
            while tcp.accept().is_ok() {}
        }
        answer
    }

    /// Whether a datagram of a host arrives at `to`; one that another sends afterwards has to.
    #[track_caller]
    pub(crate) fn is_heard(
        &self,
        client: &Space,
        from: IpAddr,
        other: IpAddr,
        to: SocketAddr,
    ) -> bool {
        let is_there = |udp: &&UdpSocket| udp.local_addr().unwrap().port() == to.port();
        let server = self.udp.iter().find(is_there).unwrap();
        client.inside(|| {
            stay_on_this_processor();
            for from in [from, other] {
                UdpSocket::bind((from, 0)).unwrap().send_to(b"hello", to).unwrap();
            }
        });
        server.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut heard = Vec::new();
        while !heard.contains(&other) {
            let (_, sender) = server.recv_from(&mut [0; 16]).expect("the other is heard");
            heard.push(sender.ip().to_canonical());
        }
        heard.contains(&from)
    }
}

/// What this thread sends is passed on in order from here on: each processor has a queue of its own, and one that has other
/// things to do is behind the others.
fn stay_on_this_processor() {
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    sched_setaffinity(None, &here).unwrap();
}

/// A connection that was asked for.
struct Attempt {
    socket: OwnedFd,
    is_connected: bool,
}

impl Attempt {
    fn new(from: IpAddr, to: SocketAddr) -> Self {
        let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None).unwrap();
        bind(&socket, &SocketAddr::new(from, 0)).unwrap();
        let is_connected = match connect(&socket, &to) {
            Ok(()) => true,
            Err(Errno::INPROGRESS | Errno::CONNREFUSED) => false,
            Err(error) => unreachable!("{from} to {to}: {error}"),
        };
        Self { socket, is_connected }
    }

    /// Whether it was got, `None` if nobody said so or otherwise within a time.
    fn answer(&self, patience: Duration) -> Option<bool> {
        if self.is_connected {
            return Some(true);
        }
        let left = Timespec {
            tv_sec: patience.as_secs().cast_signed(),
            tv_nsec: patience.subsec_nanos().into(),
        };
        let mut ready = [PollFd::new(&self.socket, PollFlags::OUT)];
        match poll(&mut ready, Some(&left)).unwrap() {
            0 => None,
            _ => Some(!ready[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)),
        }
    }
}

/// Asks for a connection, and forgets about it.
pub(crate) fn knock(from: IpAddr, to: SocketAddr) {
    drop(Attempt::new(from, to));
}

/// A connection, at both of its ends.
pub(crate) struct Link {
    client: TcpStream,
    server: TcpStream,
}

impl Link {
    /// From one of a client's addresses to a port that a server listens on.
    #[track_caller]
    pub(crate) fn new(client: &Space, from: IpAddr, server: &Server, to: SocketAddr) -> Self {
        let listens = |tcp: &&TcpListener| tcp.local_addr().unwrap().port() == to.port();
        let listener = server.tcp.iter().find(listens).unwrap();
        let attempt = client.inside(|| Attempt::new(from, to));
        assert_eq!(attempt.answer(DEADLINE), Some(true), "{from} is kept out of {to}");
        let client = TcpStream::from(attempt.socket);
        client.set_nonblocking(false).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        let own = client.local_addr().unwrap();
        listener.set_nonblocking(false).unwrap();
        let server = loop {
            let (server, peer) = listener.accept().unwrap();
            if (peer.ip().to_canonical(), peer.port()) == (own.ip(), own.port()) {
                break server;
            }
        };
        server.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { client, server }
    }

    /// Whether what the client says is heard.
    pub(crate) fn carries(&mut self) -> bool {
        self.client.write_all(b"x").and_then(|()| self.server.read_exact(&mut [0])).is_ok()
    }

    /// Whether the client has been told that the connection is over.
    pub(crate) fn is_cut(&mut self) -> bool {
        match self.client.read(&mut [0]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// Has something tried with a ban of so many seconds, and with a longer one if that was over before it could be seen, of
/// which `tries` says [`None`]: on a machine with other things to do nobody knows how long it takes to look.
#[track_caller]
pub(crate) fn before_it_ends<T>(tries: impl FnMut(u32) -> Option<T>) -> T {
    [3, 10, 30, 90].into_iter().find_map(tries).expect("somebody is kept out before his ban ends")
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::park_timeout(Duration::from_millis(20));
    }
}
