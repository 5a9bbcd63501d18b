//! A name server double: it publishes the texts it is given, and knows no other name.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use simple_dns::rdata::{RData, TXT};
use simple_dns::{CLASS, Packet, PacketFlag, RCODE, ResourceRecord};
use tokio::net::UdpSocket;

/// A name server that answers as long as its owner lives.
#[derive(Debug)]
pub struct NameServer {
    /// Where it listens.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl NameServer {
    /// Starts one that publishes these texts: (name, text).
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn start(texts: &[(&str, &str)]) -> std::io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let mut published: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, text) in texts {
            published.entry((*name).to_lowercase()).or_default().push((*text).to_owned());
        }
        let task = tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((n, from)) = socket.recv_from(&mut question).await {
                if let Some(answer) = answer(&question[..n], &published) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Ok(Self { address, task })
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(question: &[u8], published: &BTreeMap<String, Vec<String>>) -> Option<Vec<u8>> {
    let asked = Packet::parse(question).ok()?;
    let name = asked.questions.first()?.qname.clone();
    let texts = published.get(&name.to_string().to_lowercase());
    let mut reply = Packet::new_reply(asked.id());
    reply.set_flags(PacketFlag::RESPONSE);
    reply.questions.extend(asked.questions.clone());
    if texts.is_none() {
        *reply.rcode_mut() = RCODE::NameError;
    }
    for text in texts.into_iter().flatten() {
        // A text is published in parts of at most 255 bytes.
        let record = TXT::try_from(text.as_str()).ok()?;
        reply.answers.push(ResourceRecord::new(name.clone(), CLASS::IN, 60, RData::TXT(record)));
    }
    reply.build_bytes_vec().ok()
}
