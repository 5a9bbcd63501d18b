//! What is open in people's names, and its end.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::{Permission, french};
use vigie_service::on_behalf;
use vigie_store::tokens::Scope;

use super::at;
use crate::frame::{Fields, Operator, Posted, Shown, Site};

/// Most accesses listed, and ended at once.
const MAX_ACCESS: i64 = 200;

#[derive(serde::Serialize)]
struct AccessRow {
    id: String,
    what: String,
    name: String,
    person: String,
    created: String,
    used: Option<String>,
    expires: Option<String>,
}

/// What is open in people's names, to be ended.
pub(crate) async fn access(State(site): State<Arc<Site>>, operator: Operator, fields: Fields) -> Shown {
    let (now, store) = (site.service.clock.now(), &site.service.store);
    let whom = fields.one("de");
    store.saw(&operator.session.person.id, whom, "accès ouverts, page d’exploitation", now).await?;
    let mut rows = Vec::new();
    for open in store.open_access(Some(whom).filter(|w| !w.is_empty()), MAX_ACCESS, now).await? {
        let owner = store.subscriber(&open.subscriber).await?.map(|p| p.name).filter(|n| !n.is_empty());
        let scopes: Vec<String> =
            open.scopes.split_whitespace().filter_map(Scope::parse).map(|s| s.in_french().to_owned()).collect();
        rows.push(AccessRow {
            what: if scopes.is_empty() { "connexion".to_owned() } else { french::list(&scopes) },
            person: owner.unwrap_or_else(|| open.subscriber.clone()),
            created: at(open.created),
            used: open.used.map(at),
            expires: open.expires.map(at),
            name: open.name,
            id: open.id,
        });
    }
    let values = context! { rows => Serde(rows), whom => whom, done => fields.one("fermes") };
    Ok(site.page(&operator.visitor, "acces.html", values))
}

/// Ends what was ticked, or everything of one person.
pub(crate) async fn revoke(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::Operate)?;
    let (store, me) = (&site.service.store, &posted.session.person.id);
    let mut ended = Vec::new();
    for id in posted.fields.all("acces").take(usize::try_from(MAX_ACCESS).unwrap_or(200)) {
        ended.extend(store.revoke(id).await?);
    }
    let count = ended.len();
    ended.sort_unstable();
    ended.dedup();
    for owner in ended {
        on_behalf::acted(&site.service, me, &owner, "accès fermé", on_behalf::REVOKED).await?;
    }
    Ok(Redirect::to(&format!("/exploitation/acces?fermes={count}")).into_response())
}
