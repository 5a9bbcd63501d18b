//! Portals declared in the settings file: public buyer profiles and private supplier spaces that publish neither an API
//! nor a feed. A list page, its next pages, and a page a notice; a login where there is one.
//!
//! - A page that no longer fits its selectors is an error that names the selector ([`SourceError::Structure`]); nothing of
//!   it is remembered, so nothing is missed once the block is mended.
//! - What the list says of an item is remembered by a fingerprint: its own page is asked for again only when that changes.
//!   Every page of the list is read at each poll, up to `max_pages`, unless the newest come first.
//! - A notice's own page that fails or does not fit is told from the list and looked at again; only when none of a list
//!   page's notices fits has the structure changed.
//! - A session is kept across polls. A page that shows the login form, sends on to it, or fits nothing means that it may have
//!   ended: it is renewed once a poll, before any alarm.
//! - Pages are read as a browser reads them: `<base>`, pages that only send on to another, forms with all they hold.
//! - robots.txt governs HTML pages, unless the site agreed in writing (`permission`). Sites whose terms forbid reuse are
//!   refused without it.

mod browse;
mod form;
mod login;
mod presets;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use scraper::Selector;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;
use vigie_config::settings::{self, BlockFault};
use vigie_domain::{BuyerKind, NoticeKind, Visibility};

use super::extract::{Common, Fields, Format, Found, Item, Layout, Misfit};
use super::{BadRecord, Memory, Page, Polled, Source, SourceError, SourceKind, departments};
use crate::fetch::{FetchError, Fetcher, Request, Session, Validators};
use crate::links;
use browse::Landing;
use login::Login;

/// Registry line.
pub const KIND: SourceKind = SourceKind {
    name: "portal",
    summary: "Portail déclaré ici : liste, pages de détail, connexion (profils d’acheteurs, espaces fournisseurs)",
    default_schedule: "0 15 7-19/2 * * *",
    build: |block| Portal::new(block).map(|s| Box::new(s) as Box<dyn Source>),
};

/// Most list pages read in one poll, when the block says nothing.
const MAX_PAGES: usize = 10;
/// Most items remembered; the oldest identities give way.
const MAX_SEEN: usize = 5_000;
/// Sites whose terms forbid reuse without an agreement in writing.
const FORBIDDING: &[(&str, &str)] =
    &[("marches-publics.gouv.fr", "PLACE interdit « toute reprise totale ou partielle » sans accord écrit")];

/// Keys of a block with this reader.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// Selectors known beforehand: `atexo`, `aws`.
    preset: Option<String>,
    /// HTML or JSON.
    format: Format,
    /// The list.
    list: List,
    /// The page of a notice; none = the list says all.
    detail: Option<DetailPage>,
    /// How to log in.
    login: Option<login::Options>,
    /// The agreement of the site, in words: date, who gave it.
    permission: Option<String>,
    /// Who buys, where the portal belongs to one buyer.
    buyer: Option<String>,
    /// A private company's portal.
    private: bool,
    /// What its items announce, where that is always the same.
    announces: Option<NoticeKind>,
    /// Where an item that names no place belongs.
    departments: Vec<String>,
}

/// `[source.list]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct List {
    /// Selector of an item, or pointer to their list.
    items: Option<String>,
    /// Present on a list that holds nothing.
    empty: Option<String>,
    /// Selector of the link to the next page (`a.suivant@href` or `a.suivant`), or pointer to its address.
    next: Option<String>,
    /// The newest items come first: a page without anything new ends the poll.
    newest_first: bool,
    /// Name of the parameter that numbers the pages, from 1.
    page_parameter: Option<String>,
    /// Most pages a poll.
    max_pages: Option<usize>,
    /// Where fields stand.
    fields: Fields,
}

/// `[source.detail]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DetailPage {
    /// Where fields stand.
    fields: Fields,
}

/// Where the next page stands.
enum Next {
    None,
    Link(Selector),
    Pointer(String),
    Parameter(String),
}

/// The source.
pub struct Portal {
    id: String,
    url: Url,
    list: Layout,
    next: Next,
    max_pages: usize,
    newest_first: bool,
    detail: Option<Layout>,
    login: Option<Login>,
    crawl: bool,
    common: Common,
}

/// Where a poll stands, and what is known of the items.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    /// Address of the next list page of the current poll.
    next: Option<String>,
    /// List pages read in the current poll.
    pages: usize,
    /// Fingerprint by identity, with the number of the poll that saw it last.
    seen: BTreeMap<String, (String, u64)>,
    /// Polls so far.
    polls: u64,
    /// An item of the current poll could not be read whole.
    unfinished: bool,
    /// One of the poll before could not: every page is read again.
    look_again: bool,
    /// Cookies.
    session: String,
}

impl Portal {
    fn new(block: &settings::Source) -> Result<Self, BlockFault> {
        let mut options: Options = block.options()?;
        let url = block.needed_url()?;
        let host = url.host_str().unwrap_or_default();
        let forbids = FORBIDDING.iter().find(|(site, _)| host == *site || host.ends_with(&format!(".{site}")));
        if let Some((_, why)) = forbids.filter(|_| options.permission.as_deref().is_none_or(|p| p.trim().is_empty())) {
            let fix = "demandez cet accord, puis décrivez-le : permission = \"accord du …\" ; sinon retirez ce bloc";
            return Err(BlockFault::at("url", *why, fix));
        }
        if let Some(name) = &options.preset {
            presets::apply(name, &mut options.list)?;
        }
        let items = options.list.items.as_deref().ok_or_else(|| {
            BlockFault::at(
                "list.items",
                "la liste n’a pas de sélecteur",
                "ajoutez [source.list] items = \"…\", ou preset = \"atexo\"",
            )
        })?;
        let list = Layout::list("list", options.format, items, options.list.empty.as_deref(), &options.list.fields)?;
        let detail = options.detail.as_ref().map(|d| Layout::item("detail", options.format, &d.fields)).transpose()?;
        Ok(Self {
            id: block.id.clone(),
            list,
            next: next(&options)?,
            max_pages: options.list.max_pages.unwrap_or(MAX_PAGES),
            newest_first: options.list.newest_first,
            detail,
            login: options.login.map(|l| Login::new(l, &url)).transpose()?,
            crawl: options.format == Format::Html && options.permission.is_none(),
            common: Common {
                base: None,
                buyer: options.buyer,
                kind: if options.private { BuyerKind::Private } else { BuyerKind::Public },
                announces: options.announces,
                departments: departments(&options.departments)?,
            },
            url,
        })
    }

    async fn next_page(&self, fetcher: &Fetcher, memory: &Memory, now: DateTime<Utc>) -> Result<Page, SourceError> {
        let mut cursor: Cursor =
            memory.cursor.as_deref().and_then(|c| serde_json::from_str(c).ok()).unwrap_or_default();
        let url = cursor.next.take().and_then(|n| Url::parse(&n).ok()).unwrap_or_else(|| self.url.clone());
        if cursor.pages == 0 {
            cursor.polls += 1;
            cursor.unfinished = false;
        }
        let mut page = Page { memory: memory.clone(), ..Page::default() };
        let mut visit = Visit { portal: self, fetcher, session: Session::read(&cursor.session), renewed: false, now };
        // Where the newest come first, an unchanged first page ends the poll; elsewhere the news may stand on any page.
        let conditional = self.newest_first && !cursor.look_again;
        let known = memory.validators.get(url.as_str()).filter(|_| conditional).cloned().unwrap_or_default();
        let Some(mut landing) = visit.page(&url, &known).await? else {
            page.memory.cursor =
                serde_json::to_string(&Cursor { pages: 0, session: visit.session.save(), ..cursor }).ok();
            return Ok(page);
        };
        let misfit = |m: Misfit| SourceError::Structure { url: url.to_string(), selector: m.selector, what: m.what };
        let list = |page: &Landing| {
            page.read(&self.list).map_err(|e| SourceError::unreadable(&url, &e)).map(|r| r.map_err(misfit))
        };
        let read = match list(&landing)? {
            // A session that ended may show anything: the site is asked once more as somebody who has just logged in.
            Err(_) if visit.may_log_in_again() => {
                landing = visit.page_anew(&url).await?;
                list(&landing)?
            }
            read => read,
        };
        let Found { items, reports, cut } = read?;
        if cut {
            page.remarks.push(format!("{url} : page trop longue, sa fin n’est pas lue"));
        }
        page.selectors = reports;
        page.not_before = landing.body.fresh_until;
        let following = self.next_url(&landing, cursor.pages + 2);
        // Its text and its tree go before the pages of its notices come.
        let Landing { body, base, .. } = landing;
        let common = Common { base: Some(base), ..self.common.clone() };
        let fresh = visit.take(items, &common, &mut cursor, &mut page).await?;
        cursor.pages += 1;
        let goes_on = !self.newest_first || fresh > 0 || cursor.look_again;
        let next = following.filter(|_| goes_on);
        if next.is_some() && cursor.pages >= self.max_pages {
            page.remarks
                .push(format!("liste de plus de {} pages : la suite n’est pas lue (max_pages)", self.max_pages));
        }
        let next = next.filter(|_| cursor.pages < self.max_pages);
        page.more = next.is_some();
        if next.is_none() {
            cursor.pages = 0;
            cursor.look_again = cursor.unfinished;
            forget_oldest(&mut cursor);
        }
        if url == self.url {
            page.memory.validators.insert(url.to_string(), body.validators);
        }
        cursor.next = next.map(Into::into);
        cursor.session = visit.session.save();
        page.memory.cursor = serde_json::to_string(&cursor).ok();
        Ok(page)
    }

    fn next_url(&self, page: &Landing, number: usize) -> Option<Url> {
        let found = match &self.next {
            Next::None => return None,
            Next::Parameter(name) => {
                let mut url = self.url.clone();
                let kept: Vec<(String, String)> = url
                    .query_pairs()
                    .filter(|(k, _)| k != name)
                    .map(|(k, v)| (k.into_owned(), v.into_owned()))
                    .collect();
                url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, &number.to_string());
                return Some(url);
            }
            Next::Link(css) => page.dom.html.select(css).next().and_then(|a| a.value().attr("href").map(str::to_owned)),
            Next::Pointer(pointer) => {
                let tree = crate::tree::from_json(page.text.as_bytes()).ok()?;
                tree.pointer(pointer).and_then(crate::tree::own_text)
            }
        };
        let next = page.base.join(found?.trim()).ok()?;
        // A list goes on where it began: credentials are for this site.
        (next.origin() == page.body.url.origin() && next != page.body.url).then_some(next)
    }
}

fn next(options: &Options) -> Result<Next, BlockFault> {
    let fault = |what: String| {
        BlockFault::at("list.next", what, "écrivez un sélecteur CSS, ou un pointeur JSON qui commence par « / »")
    };
    match (&options.list.next, &options.list.page_parameter, options.format) {
        (None, None, _) => Ok(Next::None),
        (None, Some(name), _) => Ok(Next::Parameter(name.clone())),
        (Some(pointer), _, Format::Json) if pointer.starts_with('/') => Ok(Next::Pointer(pointer.clone())),
        (Some(css), _, Format::Html) => {
            let css = css.strip_suffix("@href").unwrap_or(css);
            Selector::parse(css).map(Next::Link).map_err(|e| fault(format!("sélecteur « {css} » illisible : {e}")))
        }
        (Some(other), ..) => Err(fault(format!("« {other} » n’est pas un pointeur"))),
    }
}

/// Keeps the identities seen last.
fn forget_oldest(cursor: &mut Cursor) {
    if cursor.seen.len() > MAX_SEEN {
        let mut polls: Vec<u64> = cursor.seen.values().map(|(_, poll)| *poll).collect();
        polls.sort_unstable();
        let oldest_kept = polls[polls.len() - MAX_SEEN];
        cursor.seen.retain(|_, (_, poll)| *poll >= oldest_kept);
    }
}

/// One poll's dealings with the site.
struct Visit<'a> {
    portal: &'a Portal,
    fetcher: &'a Fetcher,
    session: Session,
    /// The session was renewed in this visit already.
    renewed: bool,
    now: DateTime<Utc>,
}

impl Visit<'_> {
    /// A page of the site, logged in where that is asked; `None` when it is unchanged.
    async fn page(&mut self, url: &Url, known: &Validators) -> Result<Option<Landing>, SourceError> {
        let Some(login) = &self.portal.login else { return Ok(self.ask(url, known, None).await?) };
        let credential = login.credential(&self.session)?;
        // Credentials are for the portal's own site.
        let credential = credential.filter(|_| url.origin() == self.portal.url.origin());
        if login.has_form() && self.session.is_empty() {
            self.log_in(login).await?;
        }
        match self.ask(url, known, credential).await {
            Ok(None) => return Ok(None),
            Ok(Some(page)) if !login.is_logged_out(&page) => return Ok(Some(page)),
            Ok(Some(_)) => {}
            Err(FetchError::Status { status: 401 | 403, .. }) if login.has_form() => {}
            Err(FetchError::Status { url, status: status @ (401 | 403), .. }) => {
                return Err(SourceError::Login {
                    place: url,
                    what: format!("le serveur répond {status} : vérifiez le secret de ce compte"),
                });
            }
            Err(e) => return Err(e.into()),
        }
        self.page_anew(url).await.map(Some)
    }

    /// Whether a session kept from before may be what a page that fits nothing comes from.
    fn may_log_in_again(&self) -> bool {
        self.portal.login.as_ref().is_some_and(Login::has_form) && !self.renewed
    }

    /// The page after a new login.
    async fn page_anew(&mut self, url: &Url) -> Result<Landing, SourceError> {
        let refused = || SourceError::Login {
            place: url.to_string(),
            what: "la page montre encore le formulaire de connexion".into(),
        };
        let Some(login) = &self.portal.login else { return Err(refused()) };
        self.log_in(login).await?;
        let page = self.ask(url, &Validators::default(), None).await?.ok_or_else(refused)?;
        if login.is_logged_out(&page) { Err(refused()) } else { Ok(page) }
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), SourceError> {
        if self.renewed {
            let what = "le site nous déconnecte aussitôt connectés".to_owned();
            return Err(SourceError::Login { place: self.portal.url.to_string(), what });
        }
        self.renewed = true;
        self.session.forget();
        login.submit(self.fetcher, &self.session, self.now).await
    }

    async fn ask(
        &self,
        url: &Url,
        known: &Validators,
        authorization: Option<SecretString>,
    ) -> Result<Option<Landing>, FetchError> {
        let request = Request {
            authorization,
            session: Some(&self.session),
            known: Some(known),
            crawl: self.portal.crawl,
            ..Request::default()
        };
        browse::land(self.fetcher, url, &request, self.now).await
    }

    /// Turns the items that are new or changed into notices; gives their number.
    async fn take(
        &mut self,
        items: Vec<Item>,
        common: &Common,
        cursor: &mut Cursor,
        page: &mut Page,
    ) -> Result<usize, SourceError> {
        let place = common.base.as_ref().map(Url::to_string).unwrap_or_default();
        let mut fresh = 0;
        let (mut fitting, mut misfit) = (0, None);
        let mut reports: HashMap<String, usize> = HashMap::new();
        let addresses: Vec<Option<String>> =
            items.iter().map(|i| i.link(common.base.as_ref()).map(Into::into)).collect();
        for (i, (mut item, own_page)) in items.into_iter().zip(links::own_pages(&addresses)).enumerate() {
            let identity = item.identity(common.base.as_ref());
            let fingerprint = item.fingerprint();
            if let Some(known) =
                identity.as_ref().and_then(|id| cursor.seen.get_mut(id)).filter(|(f, _)| *f == fingerprint)
            {
                known.1 = cursor.polls;
                continue;
            }
            fresh += 1;
            let whole = match self.detail(&mut item, common, page, &mut reports).await? {
                Detail::Whole => {
                    fitting += 1;
                    true
                }
                Detail::Absent(why) => {
                    page.remarks.push(format!("page de détail illisible, lue dans la liste seulement : {why}"));
                    false
                }
                Detail::Misfit(why) => {
                    page.remarks.push(format!("lue dans la liste seulement : {why}"));
                    misfit.get_or_insert(why);
                    false
                }
            };
            cursor.unfinished |= !whole;
            match item.notice(&self.portal.id, common) {
                Ok(mut notice) => {
                    notice.links.page = own_page;
                    notice.partial = !whole;
                    if let Some(id) = identity.filter(|_| whole) {
                        cursor.seen.insert(id, (fingerprint, cursor.polls));
                    }
                    page.notices.push(notice);
                }
                Err(reason) => {
                    page.bad.push(BadRecord {
                        record_id: identity,
                        place: format!("{place} élément {}", i + 1),
                        reason,
                        raw: item.raw,
                    });
                }
            }
        }
        match misfit {
            Some(why) if fitting == 0 => Err(why),
            _ => Ok(fresh),
        }
    }

    /// Adds what the notice's own page says.
    async fn detail(
        &mut self,
        item: &mut Item,
        common: &Common,
        page: &mut Page,
        reports: &mut HashMap<String, usize>,
    ) -> Result<Detail, SourceError> {
        let (Some(layout), Some(url)) = (&self.portal.detail, item.link(common.base.as_ref())) else {
            return Ok(Detail::Whole);
        };
        let landing = match self.page(&url, &Validators::default()).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Detail::Whole),
            Err(SourceError::Fetch(
                e @ (FetchError::Status { status: 400..=428 | 430..=599, .. }
                | FetchError::Gone { .. }
                | FetchError::TooLarge { .. }),
            )) => return Ok(Detail::Absent(e)),
            Err(e) => return Err(e),
        };
        let Found { items, reports: found, .. } =
            match landing.read(layout).map_err(|e| SourceError::unreadable(&url, &e))? {
                Ok(found) => found,
                Err(m) => {
                    let why = SourceError::Structure { url: url.to_string(), selector: m.selector, what: m.what };
                    return Ok(Detail::Misfit(why));
                }
            };
        for report in found {
            match reports.get(&report.field) {
                Some(at) => {
                    let total = &mut page.selectors[*at];
                    total.found = (total.found.0 + report.found.0, total.found.1 + report.found.1);
                }
                None => {
                    reports.insert(report.field.clone(), page.selectors.len());
                    page.selectors.push(report);
                }
            }
        }
        items.into_iter().for_each(|detail| item.add(detail));
        Ok(Detail::Whole)
    }
}

/// What became of a notice's own page.
enum Detail {
    /// Read, or none is declared.
    Whole,
    /// It cannot be had now.
    Absent(FetchError),
    /// It does not fit its selectors.
    Misfit(SourceError),
}

impl Source for Portal {
    fn poll<'a>(&'a self, fetcher: &'a Fetcher, memory: &'a Memory, now: DateTime<Utc>) -> Polled<'a> {
        Box::pin(self.next_page(fetcher, memory, now))
    }

    fn visibility(&self) -> Visibility {
        let closed = self.login.is_some() || self.common.kind == BuyerKind::Private;
        if closed { Visibility::Told } else { Visibility::Public }
    }
}

#[cfg(test)]
mod tests;
