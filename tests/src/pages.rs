//! The pages inside a test: served on a port of their own, with people, procedures and what they decided; and a browser-like
//! client that keeps its cookie.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use vigie_bot::setup::App;
use vigie_config::settings::Settings;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Cadence, Channel, Filter, Notice, StructureKind, Subscriber};
use vigie_service::Clock;
use vigie_service::ingest;
use vigie_service::sign_in;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_watcher::fetch::Fetcher;

use crate::service::Outcome;

/// Pages served for a test; they end with it.
pub struct Pages {
    /// What they stand on.
    pub app: Arc<App>,
    /// Their address, without a slash at the end.
    pub base: String,
    _dir: tempfile::TempDir,
    served: tokio::task::JoinHandle<()>,
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Pages {
    /// Serves the pages on a database of their own at that moment; `more` is added to the settings.
    ///
    /// # Errors
    /// The folder, the port or the database fails.
    pub async fn start(now: DateTime<Utc>, more: &str) -> Outcome<Self> {
        let dir = tempfile::tempdir()?;
        let url = format!("sqlite:{}", dir.path().join("v.sqlite").display());
        Self::start_on(dir, &url, Clock::fixed(now), more).await
    }

    /// Serves the pages on that database.
    ///
    /// # Errors
    /// The folder, the port or the database fails.
    pub async fn start_on(dir: tempfile::TempDir, url: &str, clock: Clock, more: &str) -> Outcome<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let secret = dir.path().join("secret");
        std::fs::write(&secret, "un secret de signature pour les essais")?;
        let text = format!(
            "[store]\nurl = \"{url}\"\n[web]\npublic_url = \"{base}\"\nsecret = {{ file = \"{}\" }}\n[operator]\nname = \"Camille Essai\"\ncontact = \"camille@vigie.example\"\norganisation = \"Les essais\"\n{more}",
            secret.display()
        );
        let settings: Settings = toml::from_str(&text)?;
        let fetcher = Fetcher::http(&settings.fetch)?;
        let app = Arc::new(App::start(settings, fetcher, clock).await.map_err(|f| f.to_string())?);
        let serving = Arc::clone(&app.service);
        let served = tokio::spawn(async move {
            let _ = vigie_web::serve_on(serving, listener, std::future::pending()).await;
        });
        Ok(Self { app, base, _dir: dir, served })
    }

    /// Makes a person with an address in use and, for a structure, a SIRET.
    ///
    /// # Errors
    /// The database fails.
    pub async fn person(&self, id: &str, name: &str, role: Role, siret: Option<&str>) -> Outcome<String> {
        let now = self.app.service.clock.now();
        let email = format!("{id}@structure.example");
        let profile =
            Profile { kind: siret.map(|_| StructureKind::Ea), siret: siret.map(str::to_owned), ..Profile::default() };
        let subscriber = Subscriber { id: id.to_owned(), name: name.to_owned(), role, profile };
        let addresses = vec![(Channel::Email, email.clone(), AddressState::Active)];
        self.app.service.store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await?;
        Ok(email)
    }

    /// Gives a person a subscription.
    ///
    /// # Errors
    /// The database fails.
    pub async fn subscription(&self, person: &str, filter: &Filter) -> Outcome<String> {
        Ok(self
            .app
            .service
            .store
            .put_subscription(person, filter, Cadence::Instant, self.app.service.clock.now())
            .await?)
    }

    /// Takes a notice in; gives its procedure.
    ///
    /// # Errors
    /// The database fails.
    pub async fn take(&self, notice: &Notice) -> Outcome<String> {
        ingest::ingest(&self.app.service, notice, None).await?;
        let row = self.app.service.store.notice(&notice.key()).await?;
        Ok(row.ok_or("not stored")?.procedure)
    }

    /// The sign-in link of a person.
    ///
    /// # Errors
    /// The database fails.
    pub async fn link(&self, person: &str) -> Outcome<String> {
        let address = self.app.service.store.active_addresses(person).await?.into_iter().next().ok_or("no address")?;
        Ok(sign_in::link(&self.app.service, &address).await?.ok_or("no link is signed")?)
    }

    /// Somebody who is not signed in.
    ///
    /// # Errors
    /// No client can be made.
    pub fn stranger(&self) -> Outcome<Visitor> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Visitor { client, base: self.base.clone(), cookie: None, bearer: None })
    }

    /// A person who signed in by their link.
    ///
    /// # Errors
    /// The link does not open.
    pub async fn signed_in(&self, person: &str) -> Outcome<Visitor> {
        let link = self.link(person).await?;
        Visitor::enters(&self.base, link.strip_prefix(&self.base).ok_or("not ours")?).await
    }

    /// A program that acts for a person.
    ///
    /// # Errors
    /// The database fails.
    pub async fn program(&self, person: &str, scopes: &[vigie_store::tokens::Scope]) -> Outcome<Visitor> {
        let mut program = self.stranger()?;
        program.bearer = vigie_web::account::make_token(&self.app.service, person, "essai", scopes, None).await?;
        Ok(program)
    }
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Where it leads.
    pub location: Option<String>,
    /// The cookie it sets, as it is sent back.
    pub cookie: Option<String>,
    /// Its headers, in lower case, one a line.
    pub headers: String,
    /// When its first byte was there.
    pub first_byte: std::time::Instant,
    /// Its text.
    pub body: String,
}

/// Somebody, or a program, who asks for pages.
pub struct Visitor {
    client: reqwest::Client,
    base: String,
    /// The session's cookie.
    pub cookie: Option<String>,
    /// The program's token.
    pub bearer: Option<String>,
}

impl Visitor {
    /// Somebody who signed in by the link at `path`, on the pages at `base`.
    ///
    /// # Errors
    /// The link does not open.
    pub async fn enters(base: &str, path: &str) -> Outcome<Self> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let mut visitor = Self { client, base: base.to_owned(), cookie: None, bearer: None };
        let answer = visitor.post(path, &[]).await?;
        visitor.cookie = answer.cookie.clone();
        if visitor.cookie.is_none() {
            return Err(format!("not signed in: {}", answer.body).into());
        }
        Ok(visitor)
    }

    /// Asks for a page.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn get(&self, path: &str) -> Outcome<Answer> {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Outcome<Answer> {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(format!("{}{path}", self.base));
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Posts a form with the token that this visitor's pages carry.
    ///
    /// # Errors
    /// The server does not answer, or no page carries a token.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Outcome<Answer> {
        let csrf = self.csrf().await?;
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    /// Posts a form with files (field, name, content) and the token that this visitor's pages carry.
    ///
    /// # Errors
    /// The server does not answer, or no page carries a token.
    pub async fn post_files(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
    ) -> Outcome<Answer> {
        const BETWEEN: &str = "----vigie-essai";
        let csrf = self.csrf().await?;
        let mut body: Vec<u8> = Vec::new();
        for (name, value) in std::iter::once(&("csrf", csrf.as_str())).chain(fields) {
            let head = format!("--{BETWEEN}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        for (field, name, content) in files {
            let head = format!(
                "--{BETWEEN}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BETWEEN}--\r\n").as_bytes());
        let request = self.client.post(format!("{}{path}", self.base)).body(body);
        self.send(request.header("content-type", format!("multipart/form-data; boundary={BETWEEN}"))).await
    }

    /// The token of this visitor's forms.
    ///
    /// # Errors
    /// The server does not answer, or no page carries a token.
    pub async fn csrf(&self) -> Outcome<String> {
        let page = self.get("/a-propos").await?.body;
        let found = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        Ok(found.ok_or("no form of ours")?.to_owned())
    }

    /// Sends JSON.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn json(&self, method: &str, path: &str, body: &serde_json::Value) -> Outcome<Answer> {
        self.labelled(method, path, Some("application/json"), &body.to_string()).await
    }

    /// Sends a body under a label, or under none.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn labelled(&self, method: &str, path: &str, label: Option<&str>, body: &str) -> Outcome<Answer> {
        let mut request = self.client.request(method.parse()?, format!("{}{path}", self.base));
        if let Some(label) = label {
            request = request.header("content-type", label);
        }
        self.send(request.body(body.to_owned())).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Outcome<Answer> {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let response = request.send().await?;
        let first_byte = std::time::Instant::now();
        let text = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let headers = response
            .headers()
            .iter()
            .map(|(n, v)| format!("{n}: {}", String::from_utf8_lossy(v.as_bytes())))
            .collect::<Vec<_>>()
            .join("\n");
        Ok(Answer {
            status: response.status(),
            location: text("location"),
            cookie: text("set-cookie").and_then(|c| c.split(';').next().map(str::to_owned)),
            headers,
            first_byte,
            body: response.text().await?,
        })
    }
}
