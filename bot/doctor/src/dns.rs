//! Questions to a name server: texts, addresses, names of addresses. Over UDP, over TCP where an answer is too long; a question that gets
//! no answer is asked once more.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// How long one question waits.
const WAIT: Duration = Duration::from_secs(2);
/// Longest answer over UDP.
const LONGEST: usize = 4096;
/// The system's list of name servers.
const SYSTEM: &str = "/etc/resolv.conf";

/// A name server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolver(SocketAddr);

impl Resolver {
    /// That server, or the first one that the system knows.
    pub(crate) fn open(given: Option<SocketAddr>) -> Result<Self, String> {
        if let Some(server) = given {
            return Ok(Self(server));
        }
        let text = std::fs::read_to_string(SYSTEM).map_err(|e| format!("{SYSTEM} : {e}"))?;
        let servers = text.lines().filter_map(|l| l.trim().strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok());
        let server = servers.into_iter().next().ok_or_else(|| format!("{SYSTEM} ne nomme aucun serveur de noms"))?;
        Ok(Self(SocketAddr::new(server, 53)))
    }

    /// The texts published under a name; none where there is no such name.
    pub(crate) async fn texts(self, name: &str) -> Result<Vec<String>, String> {
        self.ask(name, TYPE::TXT, |data| match data {
            RData::TXT(text) => String::try_from(text.clone()).ok(),
            _ => None,
        })
        .await
    }

    /// The IPv4 addresses of a name.
    pub(crate) async fn addresses(self, name: &str) -> Result<Vec<Ipv4Addr>, String> {
        self.ask(name, TYPE::A, |data| match data {
            RData::A(a) => Some(Ipv4Addr::from(a.address)),
            _ => None,
        })
        .await
    }

    /// The names that an address bears (PTR).
    pub(crate) async fn names_of(self, address: Ipv4Addr) -> Result<Vec<String>, String> {
        let [a, b, c, d] = address.octets();
        self.ask(&format!("{d}.{c}.{b}.{a}.in-addr.arpa"), TYPE::PTR, |data| match data {
            RData::PTR(name) => Some(name.0.to_string()),
            _ => None,
        })
        .await
    }

    async fn ask<T>(self, name: &str, kind: TYPE, read: fn(&RData<'_>) -> Option<T>) -> Result<Vec<T>, String> {
        let mut id = [0; 2];
        getrandom::fill(&mut id).map_err(|e| e.to_string())?;
        let id = u16::from_be_bytes(id);
        let mut packet = Packet::new_query(id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let asked = Name::new(name).map_err(|e| format!("nom « {name} » : {e}"))?;
        packet.questions.push(Question::new(asked, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
        let question = packet.build_bytes_vec().map_err(|e| e.to_string())?;
        let mut last = String::new();
        for _ in 0..2 {
            match self.exchange(&question).await {
                Ok(answer) => return read_answer(&answer, id, read),
                Err(e) => last = e,
            }
        }
        Err(format!("le serveur de noms {} ne répond pas : {last}", self.0))
    }

    async fn exchange(self, question: &[u8]) -> Result<Vec<u8>, String> {
        let over_udp = async {
            let any: SocketAddr = if self.0.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
            let socket = UdpSocket::bind(any).await?;
            socket.connect(self.0).await?;
            socket.send(question).await?;
            let mut answer = vec![0; LONGEST];
            let n = socket.recv(&mut answer).await?;
            answer.truncate(n);
            std::io::Result::Ok(answer)
        };
        let answer = limited(over_udp).await?;
        let cut = Packet::parse(&answer).is_ok_and(|p| p.has_flags(PacketFlag::TRUNCATION));
        // The truncation flag stands in the third byte: an answer cut in the middle of a record cannot be parsed at all.
        if !cut && answer.get(2).is_none_or(|flags| flags & 0x02 == 0) {
            return Ok(answer);
        }
        limited(async {
            let mut stream = TcpStream::connect(self.0).await?;
            let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
            stream.write_all(&length.to_be_bytes()).await?;
            stream.write_all(question).await?;
            let length = stream.read_u16().await?;
            let mut answer = vec![0; usize::from(length)];
            stream.read_exact(&mut answer).await?;
            std::io::Result::Ok(answer)
        })
        .await
    }
}

async fn limited<T>(work: impl Future<Output = std::io::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(WAIT, work).await {
        Ok(done) => done.map_err(|e| e.to_string()),
        Err(_) => Err(format!("rien en {} s", WAIT.as_secs())),
    }
}

fn read_answer<T>(answer: &[u8], id: u16, read: fn(&RData<'_>) -> Option<T>) -> Result<Vec<T>, String> {
    let packet = Packet::parse(answer).map_err(|e| format!("réponse illisible : {e}"))?;
    if packet.id() != id {
        return Err("réponse à une autre question".to_owned());
    }
    match packet.rcode() {
        RCODE::NoError => Ok(packet.answers.iter().filter_map(|r| read(&r.rdata)).collect()),
        RCODE::NameError => Ok(Vec::new()),
        other => Err(format!("le serveur de noms refuse : {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::TXT;

    fn reply(question: &[u8], text: &str, cut: bool) -> Vec<u8> {
        let asked = Packet::parse(question).unwrap();
        let mut reply = Packet::new_reply(asked.id());
        reply.set_flags(PacketFlag::RESPONSE);
        if cut {
            reply.set_flags(PacketFlag::TRUNCATION);
        } else {
            let name = asked.questions[0].qname.clone();
            reply.answers.push(ResourceRecord::new(name, CLASS::IN, 60, RData::TXT(TXT::try_from(text).unwrap())));
        }
        reply.build_bytes_vec().unwrap()
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_for_udp_is_asked_for_over_tcp() {
        let long = format!("v=DKIM1; p={}", "A".repeat(2000));
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(address).await.unwrap();
        let text = long.clone();
        tokio::spawn(async move {
            let mut question = [0; 512];
            let (n, from) = udp.recv_from(&mut question).await.unwrap();
            udp.send_to(&reply(&question[..n], &text, true), from).await.unwrap();
            let (mut stream, _) = tcp.accept().await.unwrap();
            let n = usize::from(stream.read_u16().await.unwrap());
            stream.read_exact(&mut question[..n]).await.unwrap();
            let answer = reply(&question[..n], &text, false);
            stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        });
        let found = Resolver(address).texts("vigie._domainkey.vigie.example").await.unwrap();
        assert_eq!(found, [long]);
    }

    #[tokio::test]
    async fn a_name_server_that_says_nothing_is_named() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let said = Resolver(address).texts("vigie.example").await.unwrap_err();
        assert!(said.contains("ne répond pas") && said.contains(&address.to_string()), "{said}");
    }
}
