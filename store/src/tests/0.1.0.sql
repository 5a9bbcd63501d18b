CREATE TABLE schema_step (n BIGINT PRIMARY KEY);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE source (
  id TEXT PRIMARY KEY, memory TEXT NOT NULL DEFAULT '{}', baseline_done BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0, next_due BIGINT NOT NULL DEFAULT 0, last_success BIGINT, last_attempt BIGINT,
  last_error TEXT, items BIGINT NOT NULL DEFAULT 0, bad BIGINT NOT NULL DEFAULT 0, holder TEXT, lease_until BIGINT NOT NULL DEFAULT 0, trouble TEXT, quota_left BIGINT, quota_limit BIGINT, paused BIGINT NOT NULL DEFAULT 0);
CREATE TABLE quarantine (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, record_id TEXT, place TEXT NOT NULL, reason TEXT NOT NULL,
  raw BLOB NOT NULL, at BIGINT NOT NULL);
CREATE TABLE procedure (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, snapshot TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, closes BIGINT);
CREATE TABLE procedure_key (key TEXT PRIMARY KEY, procedure_id TEXT NOT NULL);
CREATE TABLE notice (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, record_id TEXT NOT NULL, procedure_id TEXT NOT NULL, kind TEXT NOT NULL,
  title TEXT NOT NULL, buyer TEXT NOT NULL, score BIGINT NOT NULL, version BIGINT NOT NULL, content_hash TEXT NOT NULL,
  document TEXT NOT NULL, assessment TEXT NOT NULL, first_seen BIGINT NOT NULL, updated BIGINT NOT NULL);
CREATE TABLE subscriber (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, profile TEXT NOT NULL, declared BIGINT NOT NULL DEFAULT 0,
  created BIGINT NOT NULL, rhythm TEXT NOT NULL DEFAULT '{}');
CREATE TABLE address (
  id TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, channel TEXT NOT NULL, value TEXT NOT NULL, state TEXT NOT NULL,
  note TEXT, created BIGINT NOT NULL);
CREATE TABLE subscription (
  id TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, filter TEXT NOT NULL, cadence TEXT NOT NULL, created BIGINT NOT NULL, paused_until BIGINT NOT NULL DEFAULT 0);
CREATE TABLE alert (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, procedure_id TEXT NOT NULL, notice_id TEXT NOT NULL, changes TEXT NOT NULL,
  body TEXT, created BIGINT NOT NULL);
CREATE TABLE notification (
  id TEXT PRIMARY KEY, alert_id TEXT NOT NULL, subscriber_id TEXT NOT NULL, subscription_id TEXT, disposition TEXT NOT NULL,
  reasons TEXT NOT NULL, due BIGINT, delivery_id TEXT, created BIGINT NOT NULL);
CREATE TABLE delivery (
  id TEXT PRIMARY KEY, seq BIGINT NOT NULL, subscriber_id TEXT NOT NULL, address_id TEXT NOT NULL, channel TEXT NOT NULL, cause TEXT NOT NULL,
  procedure_id TEXT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0, next_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL DEFAULT 0, holder TEXT, token TEXT, started BIGINT, expires_at BIGINT, created BIGINT NOT NULL,
  settled_at BIGINT, why TEXT);
CREATE TABLE attempt (
  delivery_id TEXT NOT NULL, n BIGINT NOT NULL, started BIGINT NOT NULL, ended BIGINT, outcome TEXT, detail TEXT,
  PRIMARY KEY (delivery_id, n));
CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL);
CREATE TABLE journal (id TEXT PRIMARY KEY, at BIGINT NOT NULL, topic TEXT NOT NULL, reference TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE verdict_correction (
  id TEXT PRIMARY KEY, notice_id TEXT NOT NULL, subscriber_id TEXT NOT NULL, provisions TEXT NOT NULL, note TEXT NOT NULL,
  created BIGINT NOT NULL);
CREATE TABLE source_day (
  source TEXT NOT NULL, day TEXT NOT NULL, items BIGINT NOT NULL DEFAULT 0, polls BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (source, day));
CREATE TABLE alarm (source TEXT NOT NULL, kind TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (source, kind));
CREATE TABLE likeness (
  notice_id TEXT PRIMARY KEY, procedure_id TEXT NOT NULL, bucket TEXT NOT NULL, portrait TEXT NOT NULL);
CREATE TABLE directory (
  kind TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL, updated BIGINT NOT NULL, PRIMARY KEY (kind, key));
CREATE TABLE decision (
  structure TEXT NOT NULL, procedure_id TEXT NOT NULL, lot TEXT NOT NULL DEFAULT '', stage TEXT NOT NULL, refusal TEXT,
  joint BIGINT, assignee TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', remind_at BIGINT, decided_by TEXT NOT NULL,
  at BIGINT NOT NULL, PRIMARY KEY (structure, procedure_id, lot));
CREATE TABLE decision_step (
  id TEXT PRIMARY KEY, structure TEXT NOT NULL, procedure_id TEXT NOT NULL, lot TEXT NOT NULL, stage TEXT NOT NULL,
  decided_by TEXT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE lane (
  address_id TEXT PRIMARY KEY, channel TEXT NOT NULL, ready_at BIGINT NOT NULL, free_at BIGINT NOT NULL DEFAULT 0,
  held BIGINT NOT NULL DEFAULT 0);
CREATE TABLE pace (key TEXT PRIMARY KEY, free_at BIGINT NOT NULL);
CREATE TABLE invitation (
  mark TEXT PRIMARY KEY, role TEXT NOT NULL, name TEXT NOT NULL DEFAULT '', siret TEXT NOT NULL DEFAULT '',
  subscriber_id TEXT, created BIGINT NOT NULL, expires_at BIGINT NOT NULL, used BIGINT);
CREATE TABLE chat (
  channel TEXT NOT NULL, value TEXT NOT NULL, greeted BIGINT NOT NULL DEFAULT 0, window_from BIGINT NOT NULL DEFAULT 0,
  heard BIGINT NOT NULL DEFAULT 0, seen BIGINT NOT NULL DEFAULT 0, dialogue TEXT NOT NULL DEFAULT '',
  dialogue_until BIGINT NOT NULL DEFAULT 0, dialogue_version BIGINT NOT NULL DEFAULT 0, names TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (channel, value));
CREATE TABLE chat_message (
  channel TEXT NOT NULL, chat TEXT NOT NULL, message TEXT NOT NULL, delivery_id TEXT NOT NULL, subscriber_id TEXT NOT NULL,
  structure TEXT NOT NULL, procedure_id TEXT NOT NULL, state_message TEXT, shown TEXT NOT NULL DEFAULT '',
  revision BIGINT NOT NULL DEFAULT 0, shown_revision BIGINT NOT NULL DEFAULT 0, at BIGINT NOT NULL,
  PRIMARY KEY (channel, chat, message));
CREATE TABLE sign_in (
  id TEXT PRIMARY KEY, address_id TEXT NOT NULL, next TEXT NOT NULL, asked BIGINT NOT NULL, expires BIGINT NOT NULL, used BIGINT);
CREATE TABLE session (
  mark TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, created BIGINT NOT NULL, used BIGINT NOT NULL, expires BIGINT NOT NULL);
CREATE TABLE access_token (
  id TEXT PRIMARY KEY, mark TEXT NOT NULL, subscriber_id TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
  created BIGINT NOT NULL, used BIGINT, expires BIGINT);
CREATE TABLE search (
  procedure_id TEXT PRIMARY KEY, title TEXT NOT NULL, buyer TEXT NOT NULL, buyer_type TEXT NOT NULL, verdict TEXT NOT NULL,
  sectors TEXT NOT NULL, departments TEXT NOT NULL, provisions TEXT NOT NULL, status TEXT NOT NULL, words TEXT NOT NULL,
  score BIGINT NOT NULL, closes BIGINT, until BIGINT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE consent (
  address_id TEXT PRIMARY KEY, asked BIGINT, asks BIGINT NOT NULL DEFAULT 0, confirmed BIGINT, how TEXT NOT NULL DEFAULT '');
CREATE TABLE suppressed (mark TEXT PRIMARY KEY, at BIGINT NOT NULL);
CREATE TABLE access (id TEXT PRIMARY KEY, at BIGINT NOT NULL, who TEXT NOT NULL, whom TEXT NOT NULL, what TEXT NOT NULL);
CREATE TABLE idle (subscriber_id TEXT PRIMARY KEY, since BIGINT NOT NULL);
CREATE TABLE bounce (
  address_id TEXT PRIMARY KEY, soft BIGINT NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL);
CREATE TABLE inbox (mailbox TEXT PRIMARY KEY, validity BIGINT NOT NULL, uid BIGINT NOT NULL);
CREATE TABLE inbox_mail (id TEXT PRIMARY KEY, at BIGINT NOT NULL, outcome TEXT NOT NULL);
CREATE TABLE lead (notice_id TEXT PRIMARY KEY, subscriber_id TEXT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE chore (name TEXT PRIMARY KEY, done BIGINT NOT NULL);
CREATE TABLE outage (channel TEXT PRIMARY KEY, since BIGINT NOT NULL, why TEXT NOT NULL);
CREATE TABLE message_part (
  delivery_id TEXT NOT NULL, part BIGINT NOT NULL, chat TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (delivery_id, part));
CREATE TABLE listener (name TEXT PRIMARY KEY, next_number BIGINT NOT NULL, at BIGINT NOT NULL);
CREATE TABLE heard (listener TEXT NOT NULL, number BIGINT NOT NULL, PRIMARY KEY (listener, number));
CREATE INDEX notice_procedure ON notice (procedure_id);
CREATE INDEX notice_updated ON notice (updated);
CREATE UNIQUE INDEX address_value ON address (channel, value, subscriber_id);
CREATE INDEX address_subscriber ON address (subscriber_id);
CREATE INDEX subscription_subscriber ON subscription (subscriber_id);
CREATE INDEX alert_procedure ON alert (procedure_id);
CREATE INDEX alert_notice ON alert (notice_id);
CREATE UNIQUE INDEX notification_share ON notification (alert_id, subscriber_id);
CREATE INDEX notification_subscriber ON notification (subscriber_id, created);
CREATE UNIQUE INDEX delivery_key ON delivery (address_id, cause);
CREATE INDEX delivery_thread ON delivery (address_id, procedure_id, seq);
CREATE INDEX delivery_seq ON delivery (seq);
CREATE INDEX journal_reference ON journal (reference, at);
CREATE INDEX verdict_correction_notice ON verdict_correction (notice_id, created);
CREATE INDEX likeness_bucket ON likeness (bucket);
CREATE INDEX likeness_procedure ON likeness (procedure_id);
CREATE INDEX procedure_key_procedure ON procedure_key (procedure_id);
CREATE INDEX decision_procedure ON decision (procedure_id);
CREATE INDEX decision_stage ON decision (stage);
CREATE INDEX decision_step_structure ON decision_step (structure, at);
CREATE INDEX lane_ready ON lane (ready_at);
CREATE INDEX delivery_waiting ON delivery (address_id, next_at, seq) WHERE state IN ('pending', 'deferred', 'ambiguous');
CREATE INDEX delivery_claimed ON delivery (lease_until) WHERE state = 'claimed';
CREATE INDEX chat_seen ON chat (seen);
CREATE INDEX address_chat ON address (channel, value);
CREATE INDEX chat_message_decided ON chat_message (procedure_id, structure);
CREATE INDEX chat_message_stale ON chat_message (channel, at) WHERE revision > shown_revision;
CREATE INDEX chat_message_subscriber ON chat_message (subscriber_id);
CREATE INDEX sign_in_address ON sign_in (address_id, asked);
CREATE INDEX session_subscriber ON session (subscriber_id);
CREATE UNIQUE INDEX access_token_mark ON access_token (mark);
CREATE INDEX access_token_subscriber ON access_token (subscriber_id);
CREATE INDEX search_at ON search (at, procedure_id);
CREATE INDEX search_until ON search (until);
CREATE INDEX delivery_state_seq ON delivery (state, seq);
CREATE INDEX access_whom ON access (whom, at);
CREATE INDEX lead_subscriber ON lead (subscriber_id);
CREATE INDEX delivery_subscriber ON delivery (subscriber_id, seq);
CREATE INDEX delivery_settled ON delivery (settled_at);
CREATE INDEX notification_created ON notification (created);
CREATE INDEX journal_at ON journal (at);
CREATE INDEX procedure_closes ON procedure (closes);
CREATE INDEX notice_first_seen ON notice (first_seen, id);
CREATE INDEX message_part_message ON message_part (chat, message);
CREATE INDEX notification_due ON notification (due, subscriber_id) WHERE delivery_id IS NULL AND due IS NOT NULL;
CREATE INDEX notification_of_digest ON notification (subscriber_id, disposition, due) WHERE delivery_id IS NULL AND due IS NOT NULL;
INSERT INTO schema_step (n) VALUES (1);
INSERT INTO schema_step (n) VALUES (2);
INSERT INTO schema_step (n) VALUES (3);
INSERT INTO schema_step (n) VALUES (4);
INSERT INTO schema_step (n) VALUES (5);
INSERT INTO schema_step (n) VALUES (6);
INSERT INTO schema_step (n) VALUES (7);
INSERT INTO schema_step (n) VALUES (8);
INSERT INTO schema_step (n) VALUES (9);
INSERT INTO schema_step (n) VALUES (10);
INSERT INTO schema_step (n) VALUES (11);
INSERT INTO schema_step (n) VALUES (12);
INSERT INTO meta (key, value) VALUES ('cleaned', '2026-11-29');
INSERT INTO meta (key, value) VALUES ('subscription_version', '6');
INSERT INTO source (id, memory, baseline_done, failures, next_due, last_success, last_attempt, last_error, items, bad, holder, lease_until, trouble, quota_left, quota_limit, paused) VALUES ('boamp', '{"cursor":"{\"since\":\"2026-11-28\",\"offset\":0}","validators":{}}', 1, 0, 1795965701633, 1795964894853, 1795964894782, NULL, 79, 0, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO source (id, memory, baseline_done, failures, next_due, last_success, last_attempt, last_error, items, bad, holder, lease_until, trouble, quota_left, quota_limit, paused) VALUES ('bourg-exemple', '{"cursor":"2026-11-29T15:08:14.857751878+00:00","validators":{"https://echantillons.vigie.invalid/flux.xml":{}}}', 1, 0, 1795966242237, 1795964894859, 1795964894854, NULL, 12, 0, NULL, 0, NULL, NULL, NULL, 0);
INSERT INTO procedure (id, title, snapshot, created, updated, closes) VALUES ('b0f5869c2bd613ceb404a082', 'Réunion publique sur le plan local d''urbanisme', '{"status":"open","dates":[],"lots":[],"provisions":[]}', 1795964894618, 1795964894618, NULL);
INSERT INTO procedure (id, title, snapshot, created, updated, closes) VALUES ('de31ba882a1d4fb160ee870a', 'Appel à partenaires : entretien des espaces verts de notre site industriel', '{"status":"open","dates":[],"lots":[],"provisions":[]}', 1795964894618, 1795964894618, NULL);
INSERT INTO procedure (id, title, snapshot, created, updated, closes) VALUES ('fba6cc9a5c043bed6fba9ffa', 'Fourniture de produits d''entretien', '{"status":"open","dates":[],"lots":[],"provisions":[]}', 1795964894618, 1795964894618, NULL);
INSERT INTO procedure_key (key, procedure_id) VALUES ('record:bourg-exemple:bourg-exemple-1', 'de31ba882a1d4fb160ee870a');
INSERT INTO procedure_key (key, procedure_id) VALUES ('record:bourg-exemple:bourg-exemple-4', 'b0f5869c2bd613ceb404a082');
INSERT INTO procedure_key (key, procedure_id) VALUES ('record:bourg-exemple:bourg-exemple-5', 'fba6cc9a5c043bed6fba9ffa');
INSERT INTO notice (id, source, record_id, procedure_id, kind, title, buyer, score, version, content_hash, document, assessment, first_seen, updated) VALUES ('bourg-exemple:bourg-exemple-1', 'bourg-exemple', 'bourg-exemple-1', 'de31ba882a1d4fb160ee870a', 'call', 'Appel à partenaires : entretien des espaces verts de notre site industriel', 'Bourg-Exemple', 25, 1, '96bd859877af543470512ab0df3c29a2', '{"source":"bourg-exemple","record_id":"bourg-exemple-1","kind":"call","title":"Appel à partenaires : entretien des espaces verts de notre site industriel","buyer":{"name":"Bourg-Exemple","place":{},"kind":"public"},"cpv":[],"natures":[],"departments":["21"],"places":[],"lots":[],"dates":[],"published":null,"estimated_value":null,"above_eu_threshold":false,"concession":false,"url":"https://www.bourg-exemple.invalid/marches/1","documents_url":null,"passages":[{"field":"entry","text":"Le groupe Arvaline cherche une entreprise adaptée ou un ESAT pour l''entretien des espaces verts de son site de Dijon (21000). Réponse avant le 17 décembre 2026."}],"codes":[],"criteria":[],"duration_months":null,"renewals":null,"awards":[],"links":{}}', '{"id":"bourg-exemple-1","notice_kind":"call","title":"Appel à partenaires : entretien des espaces verts de notre site industriel","buyer":"Bourg-Exemple","cpv":[],"departments":["21"],"dates":[],"lots":[],"provisions":[],"sectors":["creation-et-entretien-des-espaces-verts"],"side_sectors":[],"routes":["direct_bid"],"eligible_kinds":["EI","ACI","EITI","EA","ESAT"],"facts":[],"awards":[],"score":25,"reasons":["Métiers concernés : Création et entretien des espaces verts"]}', 1795964894618, 1795964894618);
INSERT INTO notice (id, source, record_id, procedure_id, kind, title, buyer, score, version, content_hash, document, assessment, first_seen, updated) VALUES ('bourg-exemple:bourg-exemple-4', 'bourg-exemple', 'bourg-exemple-4', 'b0f5869c2bd613ceb404a082', 'call', 'Réunion publique sur le plan local d''urbanisme', 'Bourg-Exemple', 0, 1, '062be70369090be2246a52784b8bfdeb', '{"source":"bourg-exemple","record_id":"bourg-exemple-4","kind":"call","title":"Réunion publique sur le plan local d''urbanisme","buyer":{"name":"Bourg-Exemple","place":{},"kind":"public"},"cpv":[],"natures":[],"departments":[],"places":[],"lots":[],"dates":[],"published":null,"estimated_value":null,"above_eu_threshold":false,"concession":false,"url":"https://www.bourg-exemple.invalid/marches/4","documents_url":null,"passages":[{"field":"entry","text":"Venez nombreux à la salle des fêtes."}],"codes":[],"criteria":[],"duration_months":null,"renewals":null,"awards":[],"links":{}}', '{"id":"bourg-exemple-4","notice_kind":"call","title":"Réunion publique sur le plan local d''urbanisme","buyer":"Bourg-Exemple","cpv":[],"departments":[],"dates":[],"lots":[],"provisions":[],"sectors":[],"side_sectors":[],"routes":[],"eligible_kinds":[],"facts":[],"awards":[],"score":0,"reasons":["Aucun métier des structures reconnu dans l’objet"]}', 1795964894618, 1795964894618);
INSERT INTO notice (id, source, record_id, procedure_id, kind, title, buyer, score, version, content_hash, document, assessment, first_seen, updated) VALUES ('bourg-exemple:bourg-exemple-5', 'bourg-exemple', 'bourg-exemple-5', 'fba6cc9a5c043bed6fba9ffa', 'call', 'Fourniture de produits d''entretien', 'Bourg-Exemple', 25, 1, 'd28562057de69da362ef1f0fed31c9ac', '{"source":"bourg-exemple","record_id":"bourg-exemple-5","kind":"call","title":"Fourniture de produits d''entretien","buyer":{"name":"Bourg-Exemple","place":{},"kind":"public"},"cpv":[],"natures":[],"departments":[],"places":[],"lots":[],"dates":[],"published":null,"estimated_value":null,"above_eu_threshold":false,"concession":false,"url":"https://www.bourg-exemple.invalid/marches/5","documents_url":null,"passages":[{"field":"entry","text":"Consultation ouverte jusqu''au 9 décembre 2026."}],"codes":[],"criteria":[],"duration_months":null,"renewals":null,"awards":[],"links":{}}', '{"id":"bourg-exemple-5","notice_kind":"call","title":"Fourniture de produits d''entretien","buyer":"Bourg-Exemple","cpv":[],"departments":[],"dates":[],"lots":[],"provisions":[],"sectors":["produits-dentretien-et-desinfectants-29"],"side_sectors":[],"routes":["direct_bid"],"eligible_kinds":["EI","ACI","EITI","EA","ESAT"],"facts":[],"awards":[],"score":25,"reasons":["Métiers concernés : Produits d''entretien et désinfectants"]}', 1795964894618, 1795964894618);
INSERT INTO subscriber (id, name, role, profile, declared, created, rhythm) VALUES ('9193602dc028caa4e7a080a0', 'Démonstration', 'structure', '{"kind":null,"siret":null,"sectors":[],"departments":[]}', 1, 1795964894315, '{}');
INSERT INTO subscriber (id, name, role, profile, declared, created, rhythm) VALUES ('ef7481513903e9d80d1af962', '', 'structure', '{"kind":null,"siret":null,"sectors":[],"departments":["59"]}', 0, 1795964928277, '{}');
INSERT INTO address (id, subscriber_id, channel, value, state, note, created) VALUES ('20834f48a8a8c42e261646bb', '9193602dc028caa4e7a080a0', 'console', 'stdout', 'active', NULL, 1795964894315);
INSERT INTO address (id, subscriber_id, channel, value, state, note, created) VALUES ('c9862296911b770846fb96dc', 'ef7481513903e9d80d1af962', 'email', 'atelier@exemple.fr', 'active', NULL, 1795964928277);
INSERT INTO subscription (id, subscriber_id, filter, cadence, created, paused_until) VALUES ('1f5a19b63e6f0a491d4e9288', 'ef7481513903e9d80d1af962', '{"sectors":[],"cpv":[],"departments":["59"],"provisions":[],"notice_kinds":[],"supply_modes":[],"buyers":[],"excluded_buyers":[],"buyer_kind":null,"words":[],"excluded_words":[],"min_score":0,"min_lead_days":null,"min_amount":null,"max_amount":null}', 'instant', 1795964928277, 0);
INSERT INTO subscription (id, subscriber_id, filter, cadence, created, paused_until) VALUES ('388e3b00201ef743f3b811e7', '9193602dc028caa4e7a080a0', '{"sectors":[],"cpv":[],"departments":[],"provisions":[],"notice_kinds":[],"supply_modes":[],"buyers":[],"excluded_buyers":[],"buyer_kind":null,"words":[],"excluded_words":[],"min_score":20,"min_lead_days":null,"min_amount":null,"max_amount":null}', 'instant', 1795964894315, 0);
INSERT INTO alert (id, kind, procedure_id, notice_id, changes, body, created) VALUES ('259bcdbe619e339f74801925', 'new', 'fba6cc9a5c043bed6fba9ffa', 'bourg-exemple:bourg-exemple-5', '[]', NULL, 1795964894618);
INSERT INTO alert (id, kind, procedure_id, notice_id, changes, body, created) VALUES ('8a529e1bb967790fa9c830d3', 'new', 'de31ba882a1d4fb160ee870a', 'bourg-exemple:bourg-exemple-1', '[]', NULL, 1795964894618);
INSERT INTO notification (id, alert_id, subscriber_id, subscription_id, disposition, reasons, due, delivery_id, created) VALUES ('262ea917ad972357ddc9a61e', '259bcdbe619e339f74801925', '9193602dc028caa4e7a080a0', '388e3b00201ef743f3b811e7', 'instant', '{"found":{"lots":[],"sectors":[],"departments":[],"provisions":[],"words":[],"near":[],"side_need":false},"fit":{"score":0,"reasons":[]},"note":null,"remark":null}', NULL, '223476e9c9548ba626255831', 1795964894618);
INSERT INTO notification (id, alert_id, subscriber_id, subscription_id, disposition, reasons, due, delivery_id, created) VALUES ('3ab9fbaa8aeb877601081555', '8a529e1bb967790fa9c830d3', '9193602dc028caa4e7a080a0', '388e3b00201ef743f3b811e7', 'instant', '{"found":{"lots":[],"sectors":[],"departments":[],"provisions":[],"words":[],"near":[],"side_need":false},"fit":{"score":0,"reasons":[]},"note":null,"remark":null}', NULL, '72121b69c3a8f2d92945aae7', 1795964894618);
INSERT INTO delivery (id, seq, subscriber_id, address_id, channel, cause, procedure_id, state, attempts, next_at, lease_until, holder, token, started, expires_at, created, settled_at, why) VALUES ('223476e9c9548ba626255831', 37, '9193602dc028caa4e7a080a0', '20834f48a8a8c42e261646bb', 'console', '259bcdbe619e339f74801925', 'fba6cc9a5c043bed6fba9ffa', 'sent', 1, 1795964894618, 1795964954775, NULL, NULL, 1795964894775, NULL, 1795964894618, 1795964894778, 'affiché');
INSERT INTO delivery (id, seq, subscriber_id, address_id, channel, cause, procedure_id, state, attempts, next_at, lease_until, holder, token, started, expires_at, created, settled_at, why) VALUES ('72121b69c3a8f2d92945aae7', 34, '9193602dc028caa4e7a080a0', '20834f48a8a8c42e261646bb', 'console', '8a529e1bb967790fa9c830d3', 'de31ba882a1d4fb160ee870a', 'sent', 1, 1795964894618, 1795964954771, NULL, NULL, 1795964894771, NULL, 1795964894618, 1795964894775, 'affiché');
INSERT INTO delivery (id, seq, subscriber_id, address_id, channel, cause, procedure_id, state, attempts, next_at, lease_until, holder, token, started, expires_at, created, settled_at, why) VALUES ('feedface0000000000000001', 38, 'ef7481513903e9d80d1af962', 'c9862296911b770846fb96dc', 'email', 'digest:1795000000000:0', '', 'pending', 0, 1795000000000, 0, NULL, NULL, NULL, NULL, 1795000000000, NULL, NULL);
INSERT INTO delivery (id, seq, subscriber_id, address_id, channel, cause, procedure_id, state, attempts, next_at, lease_until, holder, token, started, expires_at, created, settled_at, why) VALUES ('feedface0000000000000002', 39, 'ef7481513903e9d80d1af962', 'c9862296911b770846fb96dc', 'email', 'optin:1794999995000', '', 'sent', 1, 1794999995000, 0, NULL, NULL, NULL, NULL, 1794999995000, 1794999996000, '250 2.0.0 Ok');
INSERT INTO attempt (delivery_id, n, started, ended, outcome, detail) VALUES ('223476e9c9548ba626255831', 1, 1795964894775, 1795964894778, 'sent', 'affiché');
INSERT INTO attempt (delivery_id, n, started, ended, outcome, detail) VALUES ('72121b69c3a8f2d92945aae7', 1, 1795964894771, 1795964894775, 'sent', 'affiché');
INSERT INTO attempt (delivery_id, n, started, ended, outcome, detail) VALUES ('feedface0000000000000002', 1, 1794999995500, 1794999996000, 'sent', '250 2.0.0 Ok');
INSERT INTO journal (id, at, topic, reference, text) VALUES ('j1', 1795000000000, 'source', 'boamp', '1 avis neuf');
INSERT INTO source_day (source, day, items, polls, failures) VALUES ('exemple', '2026-11-29', 3, 1, 0);
INSERT INTO decision (structure, procedure_id, lot, stage, refusal, joint, assignee, note, remind_at, decided_by, at) VALUES ('ef7481513903e9d80d1af962', 'b0f5869c2bd613ceb404a082', '', 'go', NULL, NULL, '', '', NULL, 'Ana', 1795000000000);
INSERT INTO decision_step (id, structure, procedure_id, lot, stage, decided_by, at) VALUES ('0011', 'ef7481513903e9d80d1af962', 'b0f5869c2bd613ceb404a082', '', 'go', 'Ana', 1795000000000);
INSERT INTO lane (address_id, channel, ready_at, free_at, held) VALUES ('20834f48a8a8c42e261646bb', 'console', 1152921504606846976, 1795964894871, 0);
INSERT INTO lane (address_id, channel, ready_at, free_at, held) VALUES ('c9862296911b770846fb96dc', 'email', 1795000000000, 0, 0);
INSERT INTO invitation (mark, role, name, siret, subscriber_id, created, expires_at, used) VALUES ('6eda619a2a3c9549aedb6183f49c46d541f1a13b11f6359ff38071bc4285f22c', 'structure', '', '', NULL, 1795964908562, 1797174508562, NULL);
INSERT INTO search (procedure_id, title, buyer, buyer_type, verdict, sectors, departments, provisions, status, words, score, closes, until, at) VALUES ('b0f5869c2bd613ceb404a082', 'Réunion publique sur le plan local d''urbanisme', 'Bourg-Exemple', 'other', 'Aucun métier des structures reconnu dans l’objet', '', '', '', 'open', ' reunion publique sur le plan local d''urbanisme bourg-exemple ', 0, NULL, 1827500894618, 1795964894618);
INSERT INTO search (procedure_id, title, buyer, buyer_type, verdict, sectors, departments, provisions, status, words, score, closes, until, at) VALUES ('de31ba882a1d4fb160ee870a', 'Appel à partenaires : entretien des espaces verts de notre site industriel', 'Bourg-Exemple', 'other', 'Métiers concernés : Création et entretien des espaces verts', ' creation-et-entretien-des-espaces-verts ', ' 21 ', '', 'open', ' appel a partenaires : entretien des espaces verts de notre site industriel bourg-exemple ', 25, NULL, 1827500894618, 1795964894618);
INSERT INTO search (procedure_id, title, buyer, buyer_type, verdict, sectors, departments, provisions, status, words, score, closes, until, at) VALUES ('fba6cc9a5c043bed6fba9ffa', 'Fourniture de produits d''entretien', 'Bourg-Exemple', 'other', 'Métiers concernés : Produits d''entretien et désinfectants', ' produits-dentretien-et-desinfectants-29 ', '', '', 'open', ' fourniture de produits d''entretien bourg-exemple ', 25, NULL, 1827500894618, 1795964894618);
INSERT INTO consent (address_id, asked, asks, confirmed, how) VALUES ('c9862296911b770846fb96dc', 1794999995000, 1, 1794999996000, 'page de confirmation');
INSERT INTO chore (name, done) VALUES ('undecided', 1795964894635);
INSERT INTO chore (name, done) VALUES ('watching', 1795964894635);
