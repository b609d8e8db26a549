//! A browser's side of HTTP/1.1, and what it sees when an answer breaks off.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

/// An answer, as far as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Whether all came that was announced.
    pub fn whole(&self) -> bool {
        self.header("content-length").parse() == Ok(self.body.len())
    }
}

/// Reads the header of an answer, and how much of its body came with it.
fn header(stream: &mut impl Read) -> Option<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
    };
    let text = String::from_utf8(bytes[..end].to_vec()).expect("a header");
    let mut lines = text.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    Some(Answer {
        status,
        headers: headers
            .map(|(k, v)| (k.to_lowercase(), v.to_owned()))
            .collect(),
        body: bytes[end + 4..].to_vec(),
    })
}

/// Reads an answer to its end.
pub fn answer(stream: &mut impl Read) -> Option<Answer> {
    let mut answer = header(stream)?;
    // What came before a stream broke is kept.
    let _ = stream.read_to_end(&mut answer.body);
    Some(answer)
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

/// Asks without TLS; nothing when nobody answers.
pub fn plain(address: SocketAddr, method: &str, path: &str, lines: &str) -> Option<Answer> {
    let mut stream = connect(address).ok()?;
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{lines}\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    answer(&mut stream)
}

pub type Secured = StreamOwned<ClientConnection, TcpStream>;

/// Speaks to one door.
pub struct Client {
    ip: Ipv4Addr,
    config: Arc<ClientConfig>,
}

/// An answer under way.
pub struct UnderWay {
    pub answer: Answer,
    stream: Secured,
}

impl UnderWay {
    /// Reads it to its end.
    pub fn rest(mut self) -> Answer {
        let _ = self.stream.read_to_end(&mut self.answer.body);
        self.answer
    }
}

impl Client {
    pub fn new(ip: Ipv4Addr) -> Self {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth();
        Self {
            ip,
            config: Arc::new(config),
        }
    }

    /// A connection over which nothing is asked.
    pub fn stream(&self) -> Option<Secured> {
        let name = ServerName::IpAddress(IpAddr::from(self.ip).into());
        let mut connection = ClientConnection::new(Arc::clone(&self.config), name).ok()?;
        let mut tcp = connect(SocketAddr::new(self.ip.into(), 8443)).ok()?;
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp).ok()?;
        }
        Some(StreamOwned::new(connection, tcp))
    }

    /// The certificate that the door shows.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        let stream = self.stream()?;
        let chain = stream.conn.peer_certificates()?;
        chain.first().map(|c| c.to_vec())
    }

    fn ask(&self, method: &str, path: &str, lines: &str, body: &[u8]) -> Option<Secured> {
        let lines = format!("Content-Length: {}\r\n{lines}", body.len());
        let mut stream = self.header(method, path, &lines)?;
        // A server that has said no does not listen any more.
        let _ = stream.write_all(body);
        Some(stream)
    }

    /// Sends the header of a request; the rest is to follow.
    pub fn header(&self, method: &str, path: &str, lines: &str) -> Option<Secured> {
        let mut stream = self.stream()?;
        let header = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}:8443\r\nConnection: close\r\n{lines}\r\n",
            self.ip
        );
        stream.write_all(header.as_bytes()).ok()?;
        Some(stream)
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, lines: &str, body: &[u8]) -> Answer {
        let mut stream = self.ask(method, path, lines, body).expect("a connection");
        answer(&mut stream).expect("an answer")
    }

    /// Sends the form that a portal would have made, and reads the beginning of the answer.
    pub fn begin(&self, path: &str, token: &str) -> UnderWay {
        let lines =
            "Content-Type: application/x-www-form-urlencoded\r\nOrigin: https://portal.example\r\n";
        let body = format!("ticket={token}");
        let mut stream = self
            .ask("POST", path, lines, body.as_bytes())
            .expect("a connection");
        let answer = header(&mut stream).expect("an answer");
        UnderWay { answer, stream }
    }

    /// The same, to its end.
    pub fn post(&self, path: &str, token: &str) -> Answer {
        self.begin(path, token).rest()
    }

    /// Any request, with a cookie.
    pub fn request(&self, method: &str, path: &str, cookie: &str) -> Answer {
        let lines = format!("Cookie: other=1; __Host-sde-view={cookie}\r\n");
        self.send(method, path, &lines, b"")
    }

    pub fn get(&self, path: &str, cookie: &str) -> Answer {
        self.request("GET", path, cookie)
    }
}

/// Takes any certificate: which one it is, a test asks itself.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
