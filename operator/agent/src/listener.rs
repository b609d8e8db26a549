//! Answers anyone over TCP and UDP on one port, within bounds, and remembers who spoke.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sde_core::lock::{MAX_LINE, answer_line};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::memory::Memory;

/// Connections served at once.
const MAX_CONNECTIONS: usize = 1024;
/// For a caller's line to arrive, and again for ours to be taken.
const TIMEOUT: Duration = Duration::from_secs(2);
/// After an accept that failed for want of descriptors or memory.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Bound sockets, not yet served.
pub struct Listener {
    tcp: TcpListener,
    udp: UdpSocket,
    memory: Arc<Memory>,
    slots: Arc<Semaphore>,
}

impl Listener {
    /// Binds both protocols to the same port.
    pub async fn bind(address: SocketAddr, memory: Arc<Memory>) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        let udp = UdpSocket::bind(tcp.local_addr()?).await?;
        Ok(Self {
            tcp,
            udp,
            memory,
            slots: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        })
    }

    /// Serves for ever.
    pub async fn serve(self) {
        tokio::join!(self.serve_tcp(), self.serve_udp());
    }

    async fn serve_tcp(&self) {
        loop {
            let stream = match self.tcp.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    self.memory.missed();
                    tokio::time::sleep(BACK_OFF).await;
                    continue;
                }
            };
            // Above the limit a caller is hung up on, never left in the kernel's queue: a full queue
            // drops SYNs, and a probe would take that silence for a lock.
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                self.memory.missed();
                continue;
            };
            let memory = Arc::clone(&self.memory);
            tokio::spawn(async move {
                let _ = converse(stream, &memory).await;
                drop(slot);
            });
        }
    }

    async fn serve_udp(&self) {
        let answer = answer_line(&self.memory.boot().boot_id);
        let mut buffer = [0; MAX_LINE];
        loop {
            match self.udp.recv_from(&mut buffer).await {
                Ok((length, from)) => {
                    self.memory.remember(&buffer[..length], Timestamp::now());
                    // A caller that is gone is not our concern.
                    let _ = self.udp.send_to(answer.as_bytes(), from).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "receive failed");
                    self.memory.missed();
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }
}

/// Reads one line, remembers it, answers; anyone who connects gets the answer, even without a line.
async fn converse(mut stream: TcpStream, memory: &Memory) -> io::Result<()> {
    let mut line = Vec::with_capacity(MAX_LINE);
    let _ = timeout(TIMEOUT, read_line(&mut stream, &mut line)).await;
    memory.remember(&line, Timestamp::now());
    let answer = answer_line(&memory.boot().boot_id);
    match timeout(TIMEOUT, stream.write_all(answer.as_bytes())).await {
        Ok(written) => written,
        Err(late) => Err(late.into()),
    }
}

/// Up to and with the newline, at most [`MAX_LINE`] bytes.
async fn read_line(stream: &mut TcpStream, line: &mut Vec<u8>) -> io::Result<()> {
    while line.len() < MAX_LINE {
        let byte = stream.read_u8().await?;
        line.push(byte);
        if byte == b'\n' {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sde_core::lock::{parse_answer_line, probe_line};
    use std::net::Ipv4Addr;

    async fn serving() -> (SocketAddr, Arc<Memory>) {
        let memory = Arc::new(Memory::new(16));
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        let listener = Listener::bind(any, Arc::clone(&memory))
            .await
            .expect("bind");
        let address = listener.tcp.local_addr().expect("address");
        tokio::spawn(listener.serve());
        (address, memory)
    }

    async fn say(address: SocketAddr, text: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(address).await.expect("connect");
        stream.write_all(text).await.expect("write");
        let mut answer = Vec::new();
        // A reset after the answer is possible when more was sent than was read.
        let _ = stream.read_to_end(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn answers_and_remembers_over_tcp_and_udp() {
        let (address, memory) = serving().await;
        let boot = memory.boot().boot_id.clone();
        let answer = say(address, probe_line("pod-1", "t").as_bytes()).await;
        assert_eq!(parse_answer_line(&answer), Some(boot.as_str()));

        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("bind");
        udp.send_to(probe_line("pod-1", "u").as_bytes(), address)
            .await
            .expect("send");
        let mut buffer = [0; 256];
        let (n, _) = udp.recv_from(&mut buffer).await.expect("receive");
        assert_eq!(parse_answer_line(&buffer[..n]), Some(boot.as_str()));
        assert_eq!(memory.seen("pod-1").count, 2);
    }

    #[tokio::test]
    async fn answers_strangers_and_remembers_nothing_of_them() {
        let (address, memory) = serving().await;
        assert!(!say(address, b"GET / HTTP/1.1\n").await.is_empty());
        assert_eq!(memory.seen("GET").count, 0);
    }

    #[tokio::test]
    async fn a_caller_that_says_nothing_is_answered_and_let_go_in_time() {
        let (address, _) = serving().await;
        let started = tokio::time::Instant::now();
        assert!(parse_answer_line(&say(address, b"").await).is_some());
        let taken = started.elapsed();
        assert!(taken >= TIMEOUT && taken < TIMEOUT * 3, "{taken:?}");
    }

    #[tokio::test]
    async fn reads_no_more_than_a_line_may_be_long() {
        let (address, memory) = serving().await;
        let mut long = vec![b'x'; MAX_LINE];
        long.extend(probe_line("pod-2", "t").as_bytes());
        say(address, &long).await;
        assert_eq!(memory.seen("pod-2").count, 0);
    }

    #[tokio::test]
    async fn above_the_limit_callers_are_hung_up_on_and_it_is_said() {
        let (address, memory) = serving().await;
        let mut held = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            held.push(TcpStream::connect(address).await.expect("connect"));
        }
        assert!(memory.seen("x").complete);
        let mut one_more = TcpStream::connect(address).await.expect("still accepted");
        let mut answer = Vec::new();
        let _ = timeout(TIMEOUT, one_more.read_to_end(&mut answer))
            .await
            .expect("hung up at once");
        assert!(answer.is_empty());
        assert!(!memory.seen("x").complete);
    }
}
