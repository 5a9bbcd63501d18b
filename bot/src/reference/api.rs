//! `docs/api.md`: what programs may ask, out of the document that the pages serve.

use serde_json::Value;

use super::{cell, compare};

const OPENAPI: &str = include_str!("../../web/pages/openapi.json");
const HEAD: &str = "# The API\n\n\
    `/api/openapi.json` of an installation is the whole of it: parameters, bodies, answers, for people and for programs that make clients. \
    A token speaks for its owner, with their role and their structure: make one on the page « Mon compte », or by `vigie token --subscriber PERSON \
    --name NAME --scope SCOPE`; it goes along as `Authorization: Bearer …`. Faults are JSON with what, where and what to do; 429 says in `Retry-After` when to ask again.\n\n\
    | request | scope | what |\n|---|---|---|\n";

#[test]
fn the_page_of_the_api_is_what_is_served() {
    let api: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut out = HEAD.to_owned();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, asked) in methods.as_object().unwrap().iter().filter(|(m, _)| *m != "parameters") {
            let said = asked["description"].as_str().unwrap_or_default();
            let scope = said.split_once("scope `").and_then(|(_, rest)| rest.split('`').next()).unwrap_or("–");
            let more = said.split_once("`. ").map_or("", |(_, rest)| rest);
            let summary = asked["summary"].as_str().unwrap();
            let what = if more.is_empty() { summary.to_owned() } else { format!("{summary}. {more}") };
            out.push_str(&format!("| `{} {path}` | `{scope}` | {} |\n", method.to_uppercase(), cell(&what)));
        }
    }
    compare("api.md", &out);
}
