//! The documents that a buyer's profile gives freely, fetched when somebody asks: the address that the notice names, and the files that
//! its page links to on the same site.
//!
//! Under the rules of every request (`watcher/src/fetch`): no private network, robots.txt, a pause between requests of a site, bounded
//! bytes. Nothing is filled in, no account is used: where one is needed, that is said.

use std::time::Duration;

use url::Url;
use vigie_domain::Subscriber;
use vigie_store::StoreError;
use vigie_watcher::charset;
use vigie_watcher::fetch::{Answer, FetchError, Fetcher, Request};
use vigie_watcher::html;

use super::{Gave, MAX_FILES, MAX_GIVEN, give};
use crate::error::Failure;
use crate::leads::File;
use crate::service::Service;
use crate::visibility;

/// Longest time that somebody waits for all of it.
const WAIT: Duration = Duration::from_secs(45);
/// Ends of the names of files that are read.
const ENDS: [&str; 9] = [".zip", ".pdf", ".docx", ".odt", ".xlsx", ".ods", ".rtf", ".doc", ".xls"];

/// What came of asking the buyer's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Files came, and this became of them.
    Files(Gave),
    /// The notice names no address of documents.
    NoAddress,
    /// The page gives no file without an account, or a form to fill in.
    Account,
    /// The site does not want programs there.
    Disallowed,
    /// It does not answer, or gives more than is taken.
    Away,
}

impl Fetched {
    /// What is said of it.
    #[must_use]
    pub fn in_french(&self) -> String {
        let by_hand = "téléchargez le dossier sur le profil d’acheteur, puis donnez-le ici";
        match self {
            Self::Files(gave) => gave.in_french(),
            Self::NoAddress => "L’avis ne donne pas l’adresse du dossier de consultation.".to_owned(),
            Self::Account => {
                format!("Le profil d’acheteur ne donne rien sans compte, ou sans formulaire à remplir : {by_hand}.")
            }
            Self::Disallowed => format!("Ce profil d’acheteur ne veut pas être lu par des programmes : {by_hand}."),
            Self::Away => format!("Le profil d’acheteur ne répond pas, ou donne un dossier trop gros : {by_hand}."),
        }
    }
}

/// The address of the documents of a procedure, of the latest notice that this person may see and that names one.
///
/// # Errors
/// The database fails.
pub async fn address(service: &Service, person: &Subscriber, procedure: &str) -> Result<Option<Url>, StoreError> {
    let notices = service.store.notices_of(procedure).await?;
    let seen = visibility::visible(service, Some(person), notices).await?;
    let named = seen.iter().rev().filter_map(|n| n.notice.documents_url.as_deref());
    Ok(named.filter_map(|u| Url::parse(u).ok()).find(|u| matches!(u.scheme(), "http" | "https")))
}

/// Fetches what the buyer's profile gives freely, and gives it to be read.
///
/// # Errors
/// The database fails; nothing is kept.
pub async fn fetch_documents(service: &Service, person: &Subscriber, procedure: &str) -> Result<Fetched, Failure> {
    let Some(url) = address(service, person, procedure).await? else { return Ok(Fetched::NoAddress) };
    let limits = vigie_config::settings::Fetch {
        max_body_mib: (MAX_GIVEN / 1_048_576) as u64,
        ..service.settings.fetch.clone()
    };
    let fetcher = Fetcher::http(&limits).map_err(|e| {
        Failure::new(e, "documents du profil d’acheteur", "vérifiez [fetch] dans le fichier de configuration")
    })?;
    let got = tokio::time::timeout(WAIT, files_of(service, &fetcher, &url)).await;
    match got.unwrap_or(Err(Fetched::Away)) {
        Ok(files) => Ok(Fetched::Files(give(service, person, procedure, files, None).await?)),
        Err(why) => Ok(why),
    }
}

async fn files_of(service: &Service, fetcher: &Fetcher, url: &Url) -> Result<Vec<File>, Fetched> {
    let (url, bytes) = get(service, fetcher, url).await?;
    if is_document(&bytes) {
        return Ok(vec![File { name: name_of(&url), content: bytes }]);
    }
    let page = charset::decode_xml(&bytes);
    let mut out = Vec::new();
    let mut room = MAX_GIVEN;
    for link in links_to_files(&page, &url).into_iter().take(MAX_FILES) {
        // One that is away, or a page in the place of a file, leaves the others.
        let Ok((at, bytes)) = get(service, fetcher, &link).await else { continue };
        if is_document(&bytes) && bytes.len() <= room {
            room -= bytes.len();
            out.push(File { name: name_of(&at), content: bytes });
        }
    }
    if out.is_empty() { Err(Fetched::Account) } else { Ok(out) }
}

async fn get(service: &Service, fetcher: &Fetcher, url: &Url) -> Result<(Url, Vec<u8>), Fetched> {
    let request = Request { crawl: true, ..Request::default() };
    match fetcher.send(url, &request, service.clock.now()).await {
        Ok(Answer::Body(body)) => Ok((body.url, body.bytes)),
        Ok(Answer::NotModified(_)) => Err(Fetched::Away),
        Err(FetchError::Disallowed { .. }) => Err(Fetched::Disallowed),
        Err(FetchError::Status { status: 401 | 403, .. }) => Err(Fetched::Account),
        Err(e) => {
            tracing::info!("documents not fetched: {e}");
            Err(Fetched::Away)
        }
    }
}

/// Whether bytes are a document, by how they begin; a page is none.
fn is_document(bytes: &[u8]) -> bool {
    [b"PK\x03\x04".as_slice(), b"%PDF", b"{\\rtf", b"\xd0\xcf\x11\xe0"].iter().any(|start| bytes.starts_with(start))
}

/// The files that a page links to, of its own site, each once.
fn links_to_files(page: &str, at: &Url) -> Vec<Url> {
    let dom = html::parse(page);
    let hrefs = dom.html.tree.values().filter_map(|node| node.as_element()?.attr("href"));
    let mut out: Vec<Url> = Vec::new();
    for href in hrefs {
        let Ok(mut link) = at.join(href.trim()) else { continue };
        link.set_fragment(None);
        let path = link.path().to_ascii_lowercase();
        let is_file = ENDS.iter().any(|end| path.ends_with(end));
        let of_site = link.host_str() == at.host_str() && link.port_or_known_default() == at.port_or_known_default();
        if is_file && of_site && link.scheme() == at.scheme() && !out.contains(&link) {
            out.push(link);
        }
    }
    out
}

/// What a file is called, by its address.
fn name_of(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut s| s.next_back()).unwrap_or_default();
    let name = percent_decoded(last);
    if name.is_empty() { "dossier".to_owned() } else { name }
}

fn percent_decoded(text: &str) -> String {
    // A pair of a form is decoded so, but for the plus sign.
    let pair = format!("n={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_same_site_are_taken_and_nothing_else() {
        let at = Url::parse("https://profil.example/consultations/12").unwrap();
        let page = r#"<p><a href="/dce/R%C3%A8glement.pdf#page=2">RC</a> <a href="/dce/R%C3%A8glement.pdf">encore</a>
            <a href="CCAP.docx?v=2">CCAP</a> <a href="https://ailleurs.example/CCTP.pdf">CCTP</a>
            <a href="http://profil.example/AE.pdf">AE</a> <a href="/connexion">entrer</a> <a href="javascript:x.zip">x</a>"#;
        let found: Vec<String> = links_to_files(page, &at).iter().map(Url::to_string).collect();
        assert_eq!(
            found,
            ["https://profil.example/dce/R%C3%A8glement.pdf", "https://profil.example/consultations/CCAP.docx?v=2"]
        );
        assert_eq!(name_of(&links_to_files(page, &at)[0]), "Règlement.pdf");
        assert_eq!(name_of(&Url::parse("https://profil.example/").unwrap()), "dossier");
    }

    #[test]
    fn a_page_that_asks_who_one_is_is_no_document() {
        assert!(!is_document(b"<!doctype html><form action=/login>"));
        assert!(is_document(b"%PDF-1.7") && is_document(b"PK\x03\x04") && !is_document(b""));
        assert!(
            links_to_files("<form><input name=login></form>", &Url::parse("https://a.example").unwrap()).is_empty()
        );
    }
}
