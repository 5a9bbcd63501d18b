//! An operation as a form writes it: what is wrong is said at its field, and nothing is typed a second time.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::Department;
use vigie_domain::operation::calibration::euros_written;
use vigie_domain::operation::{MAX_LINE, Operation, OperationState, Programme};
use vigie_service::operations::tables::{day, departments, siret};
use vigie_service::operations::{self, OperationFault, Written};

use super::{Follower, found, programmes, states};
use crate::frame::{Fields, Posted, Shown, Site, Visitor};
use vigie_domain::Permission;

/// What was typed.
#[derive(Default, serde::Serialize)]
struct Typed {
    reference: String,
    title: String,
    buyer: String,
    siret: String,
    territory: String,
    departments: String,
    amount: String,
    in_charge: String,
    next_step: String,
    next_on: String,
    remark: String,
    programme: &'static str,
    state: &'static str,
}

impl Typed {
    fn of(o: &Operation) -> Self {
        Self {
            reference: o.reference.clone(),
            title: o.title.clone(),
            buyer: o.buyer.clone(),
            siret: o.siret.clone().unwrap_or_default(),
            territory: o.territory.clone(),
            departments: o.departments.iter().map(Department::as_str).collect::<Vec<_>>().join(", "),
            amount: o.amount.map(|a| a.to_string()).unwrap_or_default(),
            in_charge: o.in_charge.clone(),
            next_step: o.next_step.clone(),
            next_on: o.next_on.map(|d| d.to_string()).unwrap_or_default(),
            remark: o.remark.clone(),
            programme: o.programme.as_str(),
            state: o.state.as_str(),
        }
    }

    fn posted(fields: &Fields) -> Self {
        // One line each, as tables have them.
        let text = |name: &str| fields.one(name).split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            reference: text("reference"),
            title: text("objet"),
            buyer: text("acheteur"),
            siret: text("siret"),
            territory: text("territoire"),
            departments: text("departements"),
            amount: text("montant"),
            in_charge: text("suivi"),
            next_step: text("etape"),
            next_on: text("date"),
            remark: text("remarque"),
            programme: Programme::parse(fields.one("programme")).unwrap_or_default().as_str(),
            state: OperationState::parse(fields.one("etat")).unwrap_or_default().as_str(),
        }
    }

    /// The operation over the one that stands, or what is wrong: the field and why.
    fn over(&self, before: Operation) -> Result<Operation, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let mut o = Operation {
            reference: self.reference.clone(),
            title: self.title.clone(),
            buyer: self.buyer.clone(),
            territory: self.territory.clone(),
            in_charge: self.in_charge.clone(),
            next_step: self.next_step.clone(),
            remark: self.remark.clone(),
            programme: Programme::parse(self.programme).unwrap_or_default(),
            state: OperationState::parse(self.state).unwrap_or_default(),
            siret: None,
            departments: Vec::new(),
            amount: None,
            next_on: None,
            ..before
        };
        match siret(&self.siret, "acheteur") {
            Ok(number) => o.siret = number,
            Err(why) => faults.push(("siret", why)),
        }
        match departments(&self.departments) {
            Ok(places) => o.departments = places,
            Err(why) => faults.push(("departements", why)),
        }
        if !self.amount.is_empty() {
            o.amount = euros_written(&self.amount);
            if o.amount.is_none() {
                faults.push(("montant", "écrivez des euros : 1 000 000 ou 1,5 M€".to_owned()));
            }
        }
        if !self.next_on.is_empty() {
            o.next_on = day(&self.next_on);
            if o.next_on.is_none() {
                faults.push(("date", "écrivez un jour : 15/03/2027".to_owned()));
            }
        }
        if faults.is_empty() { Ok(o) } else { Err(faults) }
    }
}

/// The field at which a fault is said.
fn field_of(fault: &OperationFault) -> &'static str {
    match fault {
        OperationFault::NoTitle => "objet",
        OperationFault::TooLong("acheteur") => "acheteur",
        OperationFault::TooLong("territoire") => "territoire",
        OperationFault::TooLong("suivi par") => "suivi",
        OperationFault::TooLong("prochaine étape") => "etape",
        OperationFault::TooLong("remarque") => "remarque",
        OperationFault::TooLong("objet") => "objet",
        _ => "reference",
    }
}

async fn form(
    site: &Site,
    visitor: &Visitor,
    structure: &str,
    (id, typed): (Option<&str>, &Typed),
    faults: &[(&'static str, String)],
) -> Result<Response, crate::frame::Trouble> {
    let people: Vec<String> = operations::colleagues(&site.service, structure)
        .await?
        .into_iter()
        .map(|p| p.name)
        .filter(|n| !n.is_empty())
        .collect();
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let values = context! {
        id => id,
        f => Serde(typed),
        faults => Serde(faults),
        people => people,
        programmes => Serde(programmes(Programme::parse(typed.programme))),
        states => Serde(states(OperationState::parse(typed.state))),
        max => MAX_LINE,
    };
    Ok(site.page_as(status, visitor, "operation-saisie.html", values))
}

pub(crate) async fn fresh(State(site): State<Arc<Site>>, follower: Follower) -> Shown {
    let typed = Typed { in_charge: follower.session.person.name.clone(), ..Typed::of(&Operation::default()) };
    form(&site, &follower.visitor, follower.session.structure(), (None, &typed), &[]).await
}

pub(crate) async fn make(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    posted.session.may(Permission::FollowOperations)?;
    let typed = Typed::posted(&posted.fields);
    let structure = posted.session.structure();
    let faults = match typed.over(Operation::default()) {
        Ok(o) => match operations::make(&site.service, structure, o).await? {
            Written::Yes(id) => return Ok(Redirect::to(&format!("/operations/{id}")).into_response()),
            Written::No(fault) => vec![(field_of(&fault), fault.to_string())],
        },
        Err(faults) => faults,
    };
    form(&site, &posted.visitor, structure, (None, &typed), &faults).await
}

pub(crate) async fn edit(State(site): State<Arc<Site>>, follower: Follower, Path(id): Path<String>) -> Shown {
    let o = found(&site, &follower.session, &id).await?;
    form(&site, &follower.visitor, follower.session.structure(), (Some(&id), &Typed::of(&o)), &[]).await
}

pub(crate) async fn change(State(site): State<Arc<Site>>, Path(id): Path<String>, posted: Posted) -> Shown {
    let before = found(&site, &posted.session, &id).await?;
    let typed = Typed::posted(&posted.fields);
    let faults = match typed.over(before) {
        Ok(o) => match operations::change(&site.service, o).await? {
            Written::Yes(id) => return Ok(Redirect::to(&format!("/operations/{id}")).into_response()),
            Written::No(fault) => vec![(field_of(&fault), fault.to_string())],
        },
        Err(faults) => faults,
    };
    form(&site, &posted.visitor, posted.session.structure(), (Some(&id), &typed), &faults).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_in_the_form_is_said_at_its_field() {
        let typed = Typed {
            siret: "12".into(),
            departments: "lune".into(),
            amount: "beaucoup".into(),
            next_on: "bientôt".into(),
            ..Typed::default()
        };
        let faults: Vec<&str> = typed.over(Operation::default()).unwrap_err().into_iter().map(|(f, _)| f).collect();
        assert_eq!(faults, ["siret", "departements", "montant", "date"]);
        let o = Operation { title: "École".into(), amount: Some(5), ..Operation::default() };
        assert_eq!(Typed::of(&o).over(Operation::default()).unwrap(), o, "what is shown is what is posted");
    }
}
