//! Two kinds of people: those who see e-mail addresses, and everybody else.

/// E-mail addresses are for `pii-readers` only.
pub const POLICY: &str = r#"
apiVersion: policy/v1
kind: Policy
metadata: {name: people, version: 1.0.0, owner: privacy@acme.example}
spec:
  mode: enforce
  rules:
    - id: email
      description: E-mail addresses are for pii-readers.
      match:
        direction: consume
        topics: ["**"]
        principals: {groups: {none_of: [pii-readers]}}
      select: [{path: "$.email"}]
      action: {mask: {with: redact, label: "[hidden]"}}
"#;
pub const CLEAR: &str = r#"{"id":1,"email":"jane@example.com"}"#;
pub const MASKED: &str = r#"{"id":1,"email":"[hidden]"}"#;
