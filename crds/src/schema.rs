//! Schema fragments that kinds share, so that each limit and pattern is written once.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A calendar day, `YYYY-MM-DD`, valid through 23:59:59Z of that day.
pub fn date(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date", "maxLength": 10})
}

/// A Kubernetes quantity such as `8`, `500m` or `32Gi`.
pub fn quantity(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "maxLength": 32,
        "pattern": r"^([0-9]+([.][0-9]*)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
    })
}

/// Quantities by resource name.
pub fn quantities(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "maxProperties": 16, "additionalProperties": quantity(generator)})
}

/// The name the API server and the hub know a person by: lower case, no colon, so never `system:`.
pub fn user(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 63, "pattern": r"^[a-z0-9]([-a-z0-9._@]*[a-z0-9])?$"})
}

/// A set of [`user`]s.
pub fn users(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "maxItems": 500, "x-kubernetes-list-type": "set", "items": user(generator)})
}

/// Whoever the API server says a request came from, ServiceAccounts too.
pub fn authenticated_user(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 253, "pattern": r"^[A-Za-z0-9]([-A-Za-z0-9._@:]*[A-Za-z0-9])?$"})
}

/// A DNS label (RFC 1123), at most 40 characters.
pub fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 40, "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"})
}

/// The name of a cluster-scoped object (RFC 1123 subdomain).
pub fn object_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 253, "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"})
}

/// Labels of nodes.
pub fn node_labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string", "maxLength": 63}})
}

/// A reference to a record kept elsewhere.
pub fn reference(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 128})
}

/// One sentence.
pub fn short_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 256})
}

/// A few paragraphs.
pub fn long_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 4096})
}

/// One sentence that cannot carry much: words of at most 32 characters with single spaces between, 160 in all.
pub fn words(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 160, "pattern": r"^[^\s\pC]{1,32}( [^\s\pC]{1,32})*$"})
}

/// `v1:sha256:` and 64 hexadecimal digits: a digest that names the object it is of.
pub fn bound_digest(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 74, "pattern": "^v1:sha256:[0-9a-f]{64}$"})
}

/// A rule of the airlock.
pub fn rule(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 10, "pattern": "^AL-[A-Z][0-9]{3}$"})
}

/// A viewing code: 80 bits in base 32 (RFC 4648) without padding.
pub fn viewing_code(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 16, "pattern": "^[A-Z2-7]{16}$"})
}

/// Fingerprints of files: each 160 bits in base 32 (RFC 4648) without padding.
pub fn fingerprints(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "minItems": 1, "maxItems": 50, "x-kubernetes-list-type": "atomic",
        "items": {"type": "string", "maxLength": 32, "pattern": "^[A-Z2-7]{32}$"}
    })
}

/// Numbers of files in a sealed manifest, counted from 0.
pub fn file_numbers(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "minItems": 1, "maxItems": 50, "x-kubernetes-list-type": "set",
        "items": {"type": "integer", "format": "int64", "minimum": 0, "maximum": 49}
    })
}

/// `sha256:` and 64 hexadecimal digits.
pub fn sha256(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 71, "pattern": "^sha256:[0-9a-f]{64}$"})
}

/// An OCI reference pinned by digest.
pub fn image(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 512, "pattern": "^[a-z0-9][-a-z0-9._:/]*@sha256:[0-9a-f]{64}$"})
}

/// ISO 3166-1 alpha-2 country code.
pub fn country(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 2, "pattern": "^[A-Z]{2}$"})
}

/// A MONDO term.
pub fn mondo(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": 14, "pattern": "^MONDO:[0-9]{7}$"})
}

/// Any object; used where a checked copy of another schema is kept.
pub fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// `metav1.Condition`s as a map by type, with the limits of apimachinery.
pub fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "maxItems": 32,
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {"type": "string", "maxLength": 316},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "reason": {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"},
                "message": {"type": "string", "maxLength": 32768},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
                "lastTransitionTime": {"type": "string", "format": "date-time"}
            }
        }
    })
}
