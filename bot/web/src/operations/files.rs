//! Tables of operations and of hours, out and in. What is read says what it took, what it changed, and each row that it refused with its
//! line.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::Permission;
use vigie_service::operations::{self, hours_table, tables};

use super::{Follower, query};
use crate::frame::{Fields, Shown, Site, Trouble};
use crate::tables::csv;
use crate::upload::Uploaded;

/// Refused rows shown.
const MAX_REFUSED: usize = 200;

pub(crate) async fn operations(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let all = operations::overviews(&site.service, follower.session.structure()).await?;
    csv("operations", &tables::COLUMNS, &tables::rows(&all, &query(&fields)))
}

pub(crate) async fn hours(State(site): State<Arc<Site>>, follower: Follower, fields: Fields) -> Shown {
    let (store, structure) = (&site.service.store, follower.session.structure());
    let references: HashMap<String, String> =
        store.operations_of(structure).await?.into_iter().map(|o| (o.id, o.reference)).collect();
    let only = Some(fields.one("operation")).filter(|id| !id.is_empty());
    let hours = store.hours_of(structure, only).await?;
    csv("heures", &hours_table::COLUMNS, &hours_table::rows(&hours, &references))
}

/// A table of operations to be filled.
pub(crate) async fn operations_model(_: Follower) -> Shown {
    csv("modele-operations", &tables::COLUMNS[..tables::MODEL.len()], &[tables::MODEL.map(str::to_owned).to_vec()])
}

/// A table of hours to be filled.
pub(crate) async fn hours_model(_: Follower) -> Shown {
    csv("modele-heures", &hours_table::COLUMNS, &[hours_table::MODEL.map(str::to_owned).to_vec()])
}

pub(crate) async fn ask(State(site): State<Arc<Site>>, follower: Follower) -> Shown {
    let values = context! { columns => tables::COLUMNS, hours_columns => hours_table::COLUMNS };
    Ok(site.page(&follower.visitor, "importer.html", values))
}

pub(crate) async fn import(State(site): State<Arc<Site>>, posted: Uploaded) -> Shown {
    posted.session.may(Permission::FollowOperations)?;
    let structure = posted.session.structure();
    let file = posted.files.first().ok_or_else(|| Trouble::bad("Choisissez un fichier CSV."))?;
    let hours = posted.fields.one("quoi") == "heures";
    let read = if hours {
        let id = posted.fields.one("operation");
        let only = site.service.store.operation(structure, id).await?;
        hours_table::import(&site.service, structure, only.as_ref(), &file.content).await?
    } else {
        tables::import(&site.service, structure, &file.content).await?
    };
    let values = match read {
        Err(why) => context! { fault => why.to_string() },
        Ok(done) => context! {
            said => done.in_french(),
            more => done.refused.len().saturating_sub(MAX_REFUSED),
            refused => Serde(&done.refused[..done.refused.len().min(MAX_REFUSED)]),
        },
    };
    let refused = values.get_attr("fault").is_ok_and(|f| !f.is_undefined());
    let status = if refused { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let operation = posted.fields.one("operation");
    let columns = context! { columns => tables::COLUMNS, hours_columns => hours_table::COLUMNS, hours => hours, operation => operation };
    Ok(site.page_as(status, &posted.visitor, "importer.html", context! { ..values, ..columns }))
}
