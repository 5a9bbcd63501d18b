//! Links as they were before a mail gateway wrapped them.
//!
//! Gateways put the address of the person who got the mail, or a token of theirs, into the links of a mail, so that the same
//! page has another address for each recipient and passing it on gives that person away. A link is unwrapped before any rule
//! sees it, before it names a record, and before it leaves.
//!
//! A link whose target cannot be read out of it (a shortened one) stays as it is. Nothing is fetched.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use vigie_classify::pattern;

pattern!(LINK, r#"https?://[^\s<>"]+"#);

/// Most wrappers around one link.
const MAX_WRAPPERS: usize = 4;
/// Hosts (or ends of them) of gateways whose target stands in a parameter, with its name.
const BY_PARAMETER: &[(&str, &str)] = &[
    ("safelinks.protection.outlook.com", "url"),
    ("protect2.fireeye.com", "u"),
    ("protection.sophos.com", "d"),
    ("linkprotect.cudasvc.com", "a"),
    ("secure-web.cisco.com", "u"),
    ("clicktime.symantec.com", "u"),
    ("statics.teams.cdn.office.net", "url"),
    ("www.google.com", "q"),
    ("google.com", "q"),
    ("slack-redir.net", "url"),
    ("l.facebook.com", "u"),
    ("deref-mail.com", "link"),
    ("deref-gmx.fr", "redirectUrl"),
    ("redirect.mailinblack.com", "url"),
];

/// Parameters of links that say where a reader comes from.
const CAMPAIGN: &[&str] = &["utm_", "mtm_", "pk_", "at_", "mc_", "fbclid", "gclid", "xtor", "_hs"];
/// Parameters, of a query or behind a semicolon of a path, that name a visit and not a page.
const VISITS: &[&str] = &["jsessionid", "phpsessid", "aspsessionid", "sessionid", "session_id", "cfid", "cftoken"];

/// Whether a parameter names the visit of whoever asks.
fn is_of_a_visit(key: &str) -> bool {
    VISITS.iter().any(|v| key.to_ascii_lowercase().starts_with(v))
}

/// An address without the visit in it: `/avis/1;jsessionid=A1`, `?PHPSESSID=…`.
#[must_use]
pub fn without_visit(url: &Url) -> Url {
    let mut url = url.clone();
    if let Some((path, _)) = url.path().split_once(';').filter(|(_, behind)| is_of_a_visit(behind)) {
        let path = path.to_owned();
        url.set_path(&path);
    }
    if url.query_pairs().any(|(k, _)| is_of_a_visit(&k)) {
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(k, _)| !is_of_a_visit(k))
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
    url
}

/// A link without what changes from one publication or visit to the next: scheme, `www.`, campaign parameters, fragment, last slash.
#[must_use]
pub fn canonical(link: &str) -> String {
    let Ok(url) = Url::parse(link) else { return link.trim().to_owned() };
    let url = without_visit(&url);
    let host = url.host_str().unwrap_or_default().trim_start_matches("www.");
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(k, _)| !CAMPAIGN.iter().any(|c| k.starts_with(c)))
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(kept).finish();
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{host}{port}{}{}{query}", url.path().trim_end_matches('/'), if query.is_empty() { "" } else { "?" })
}

/// The page of one notice, in its one spelling; `None` for what is the front page of a site, and no notice's own.
#[must_use]
pub fn page(link: &str) -> Option<String> {
    let url = Url::parse(link).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host())?;
    let front = url.path().trim_matches('/').is_empty() && url.query().is_none();
    (!front).then(|| canonical(link))
}

/// Which of these links lead to a page of their own: those that no other of them leads to.
#[must_use]
pub fn own_pages(links: &[Option<String>]) -> Vec<Option<String>> {
    let pages: Vec<Option<String>> = links.iter().map(|l| page(l.as_deref()?)).collect();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for page in pages.iter().flatten() {
        *times.entry(page).or_default() += 1;
    }
    pages.iter().map(|p| p.clone().filter(|p| times.get(p.as_str()) == Some(&1))).collect()
}

fn is_of(host: &str, site: &str) -> bool {
    host == site || host.strip_suffix(site).is_some_and(|before| before.ends_with('.'))
}

/// The address inside a wrapped link; the link itself where it is not wrapped.
#[must_use]
pub fn unwrap(link: &str) -> String {
    let mut now = link.to_owned();
    for _ in 0..MAX_WRAPPERS {
        match Url::parse(&now).ok().and_then(|url| inner(&url)) {
            Some(inside) => now = inside,
            None => break,
        }
    }
    now
}

/// A text with every link of it unwrapped.
#[must_use]
pub fn unwrap_all(text: &str) -> String {
    LINK.replace_all(text, |found: &regex::Captures<'_>| {
        let written = &found[0];
        let link = written.trim_end_matches(['.', ',', ';', ')', ']', '\'']);
        format!("{}{}", unwrap(link), &written[link.len()..])
    })
    .into_owned()
}

fn inner(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let parameter = |name: &str| url.query_pairs().find(|(k, _)| k == name).map(|(_, v)| v.into_owned());
    let target = if is_of(host, "urldefense.proofpoint.com") && url.path().starts_with("/v1") {
        parameter("u")?
    } else if is_of(host, "urldefense.proofpoint.com") {
        // Version 2: percent signs are minus signs, slashes are underscores.
        percent_decoded(&parameter("u")?.replace('-', "%").replace('_', "/"))
    } else if is_of(host, "urldefense.com") || is_of(host, "urldefense.us") {
        proofpoint_3(url.as_str())?
    } else if is_of(host, "secure-web.cisco.com") && !url.path().is_empty() && parameter("u").is_none() {
        percent_decoded(url.path().rsplit('/').next()?)
    } else if is_of(host, "protection.sophos.com") {
        sophos(&parameter("d")?, parameter("u").as_deref())
    } else if is_of(host, "google.com") && url.path() != "/url" {
        return None;
    } else {
        let (_, name) = BY_PARAMETER.iter().find(|(site, _)| is_of(host, site))?;
        // Google writes `q` or `url`.
        parameter(name).or_else(|| parameter("url"))?
    };
    is_web(&target).then_some(target)
}

fn is_web(link: &str) -> bool {
    Url::parse(link).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        let code =
            (*b == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(code.unwrap_or(*b));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Version 3 of Proofpoint: `/v3/__LINK__;BYTES!!…`, where each `*` of the link stands for the next of the bytes, and `**x` for
/// several of them: their number is the place of `x` in the base64 alphabet, plus two.
fn proofpoint_3(link: &str) -> Option<String> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let rest = link.split_once("/v3/__")?.1;
    let (inside, behind) = rest.rsplit_once("__;")?;
    let bytes = URL_SAFE_NO_PAD.decode(behind.split("!!").next()?.trim_end_matches('=')).ok()?;
    let mut bytes = bytes.into_iter();
    let mut out = Vec::new();
    let mut signs = inside.chars();
    while let Some(c) = signs.next() {
        if c != '*' {
            out.extend(c.to_string().bytes());
            continue;
        }
        let mut ahead = signs.clone();
        let run = (ahead.next() == Some('*')).then(|| ahead.next().and_then(|x| ALPHABET.find(x))).flatten();
        match run {
            Some(n) => {
                signs = ahead;
                out.extend(bytes.by_ref().take(n + 2));
            }
            None => out.extend(bytes.next()),
        }
    }
    let target = String::from_utf8_lossy(&out).into_owned();
    // Slashes behind the scheme may have been folded into one.
    Some(match target.split_once(":/") {
        Some((scheme, after)) if !after.starts_with('/') => format!("{scheme}://{after}"),
        _ => target,
    })
}

/// Sophos gives the site in `d`, and the whole link in base64 in `u`.
fn sophos(site: &str, whole: Option<&str>) -> String {
    let read =
        whole.and_then(|w| URL_SAFE_NO_PAD.decode(w.trim_end_matches('=').replace('+', "-").replace('/', "_")).ok());
    read.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| format!("https://{site}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = "https://portail.example/consultation/71";

    /// A5: what a gateway wrapped is what it was; the recipient's address is gone.
    #[test]
    fn wrapped_links_are_what_they_were() {
        for link in [
            TARGET,
            "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fportail.example%2Fconsultation%2F71&data=05%7C02%7Cjeanne%40x.example%7Cabc&sdata=x&reserved=0",
            "https://nam12.safelinks.protection.outlook.com/ap/w-59584e83/?url=https%3A%2F%2Fportail.example%2Fconsultation%2F71&data=jeanne%40x",
            "https://urldefense.proofpoint.com/v2/url?u=https-3A__portail.example_consultation_71&d=DwMFaQ&c=x&r=jeanne",
            "https://urldefense.com/v3/__https://portail.example/consultation/71__;!!ABC!jeanne$",
            "https://urldefense.com/v3/__https:/portail.example/consultation/71__;!!ABC!x$",
            "https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fportail.example%2fconsultation%2f71&c=E,1,x",
            "https://protect2.fireeye.com/v1/url?k=1&q=1&e=2&u=https%3A%2F%2Fportail.example%2Fconsultation%2F71",
            "https://secure-web.cisco.com/1abcDEF/https%3A%2F%2Fportail.example%2Fconsultation%2F71",
            "https://www.google.com/url?q=https://portail.example/consultation/71&sa=D",
            "https://eu-west-1.protection.sophos.com?d=portail.example&u=aHR0cHM6Ly9wb3J0YWlsLmV4YW1wbGUvY29uc3VsdGF0aW9uLzcx&i=x",
            "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Furldefense.com%2Fv3%2F__https%3A%2F%2Fportail.example%2Fconsultation%2F71__%3B!!A!x%24&data=x",
        ] {
            assert_eq!(unwrap(link), TARGET, "{link}");
        }
        assert_eq!(
            unwrap("https://urldefense.com/v3/__https://p.example/a?b=c*20d**Ae__;JcOp!!A!x$"),
            "https://p.example/a?b=c%20dée"
        );
    }

    #[test]
    fn other_links_stay_as_they_are() {
        for link in [
            "https://portail.example/?url=https://autre.example/",
            "https://safelinks.protection.outlook.com.evil.example/?url=https%3A%2F%2Fportail.example",
            "https://eur03.safelinks.protection.outlook.com/?url=javascript%3Aalert(1)",
            "https://eur03.safelinks.protection.outlook.com/?data=x",
            "https://www.google.com/search?q=https://portail.example",
            "https://urldefense.com/v3/__x",
            "pas un lien",
        ] {
            assert_eq!(unwrap(link), link);
        }
        let text = "Voir https://linkprotect.cudasvc.com/url?a=https%3a%2f%2fportail.example%2fx, merci (https://a.example/1).";
        assert_eq!(unwrap_all(text), "Voir https://portail.example/x, merci (https://a.example/1).");
    }

    proptest::proptest! {
        #[test]
        fn any_link_is_unwrapped_without_a_crash(path in "(/v3/__)?[\\x20-\\x7eé*]{0,60}(__;[A-Za-z0-9_=-]{0,12}!!)?") {
            for host in ["https://urldefense.com", "https://x.safelinks.protection.outlook.com", "https://eu.protection.sophos.com", ""] {
                let _ = unwrap_all(&format!("{host}{path}"));
            }
        }
    }

    #[test]
    fn a_page_is_a_notice_s_own_where_no_other_leads_to_it() {
        let some = |l: &str| Some(l.to_owned());
        let links = [
            some("https://a.example/avis/1"),
            some("https://a.example/avis"),
            some("https://a.example/avis/?utm_source=x"),
            some("https://a.example/"),
            some("https://b.example?id=2"),
            some("mailto:a@a.example"),
            None,
        ];
        let own = [some("a.example/avis/1"), None, None, None, some("b.example?id=2"), None, None];
        assert_eq!(own_pages(&links), own);
    }

    #[test]
    fn the_visit_in_a_link_is_no_part_of_it() {
        for (one, other) in [
            ("https://p.example/d/1;jsessionid=A1", "https://p.example/d/1;jsessionid=B2"),
            ("https://p.example/d/1;JSESSIONID=A1?x=1", "https://p.example/d/1?x=1"),
            ("https://p.example/d?id=1&PHPSESSID=a", "https://p.example/d?PHPSESSID=b&id=1"),
            ("http://www.p.example/d/1/?utm_source=x#haut", "https://p.example/d/1"),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one}");
        }
        for (one, other) in [
            ("https://p.example/d/1;v=2", "https://p.example/d/1"),
            ("https://p.example/d?id=1", "https://p.example/d?id=2"),
            ("https://p.example/d/1", "https://q.example/d/1"),
        ] {
            assert_ne!(canonical(one), canonical(other), "{one}");
        }
    }
}
