#!/usr/bin/env bash
# Verifies a destruction attestation with stock tools only: openssl, jq, base64, sha256sum, dd (and bash).
# Usage: verify.sh KEY.pem BUNDLE.json EVIDENCE.json
# KEY.pem must come from you (handed over when the project started), never from the record under test.
# Prints each step; the first that fails ends it with a non-zero status. What it proves: docs/src/verify-offline.md
set -euo pipefail
export LC_ALL=C

readonly MEDIA_TYPE=application/vnd.dev.sigstore.bundle.v0.3+json
readonly PAYLOAD_TYPE=application/vnd.in-toto+json
readonly STATEMENT_TYPE=https://in-toto.io/Statement/v1
readonly PREDICATE_TYPE=https://sde-operator.dev/attestations/data-destruction/v1

fail() { printf 'FAIL  %s\n' "$*" >&2; exit 1; }
ok() { printf 'ok    %s\n' "$*"; }
same() { [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"; ok "$1: $2"; }

[ $# -eq 3 ] || { printf 'usage: %s KEY.pem BUNDLE.json EVIDENCE.json\n' "$0" >&2; exit 2; }
key=$1 bundle=$2 evidence=$3
for tool in openssl jq base64 sha256sum dd; do command -v "$tool" >/dev/null || fail "$tool is not installed"; done
for file in "$@"; do [ -r "$file" ] || fail "cannot read $file"; done

in_bundle() { jq -er "$1" "$bundle"; }
payload() { in_bundle .dsseEnvelope.payload | base64 -d; }
signature() { in_bundle '.dsseEnvelope.signatures[0].sig' | base64 -d; }
in_statement() { payload | jq -er "$@"; }
bytes_of_stdin() { local report; report=$(dd bs=64k of=/dev/null 2>&1); report=${report##*$'\n'}; printf '%s' "${report%% *}"; }
# What DSSE signs: "DSSEv1", then length and text of the type and of the payload, lengths in bytes.
pae() { printf 'DSSEv1 %s %s %s ' "${#PAYLOAD_TYPE}" "$PAYLOAD_TYPE" "$(payload | bytes_of_stdin)"; payload; }

printf '%s\n' '-- 1. the bundle'
same 'media type' "$MEDIA_TYPE" "$(in_bundle .mediaType)"
same 'payload type' "$PAYLOAD_TYPE" "$(in_bundle .dsseEnvelope.payloadType)"
same 'signatures' 1 "$(in_bundle '.dsseEnvelope.signatures | length')"
payload >/dev/null || fail 'the payload is not base64'
signature >/dev/null || fail 'the signature is not base64'

printf '%s\n' '-- 2. the key (yours) and the signature'
key_id=$(openssl pkey -pubin -in "$key" -outform DER | sha256sum) || fail "$key is not a public key"
same 'key id' "${key_id%% *}" "$(in_bundle .verificationMaterial.publicKey.hint)"
pae | openssl dgst -sha256 -verify "$key" -signature <(signature) >/dev/null 2>&1 ||
  fail 'the signature does not match the payload and the key'
ok 'ECDSA signature over the DSSE encoding of the payload'

printf '%s\n' '-- 3. the statement and the evidence'
same 'statement type' "$STATEMENT_TYPE" "$(in_statement ._type)"
same 'predicate type' "$PREDICATE_TYPE" "$(in_statement .predicateType)"
digest=$(sha256sum <"$evidence"); digest=${digest%% *}
same 'first subject' evidence.json "$(in_statement '.subject[0].name')"
same 'digest of the evidence' "$digest" "$(in_statement '.subject[0].digest.sha256')"
same 'digest in the predicate' "sha256:$digest" "$(in_statement .predicate.evidence.digest)"
same 'length of the evidence' "$(bytes_of_stdin <"$evidence")" "$(in_statement .predicate.evidence.bytes)"

printf '%s\n' '-- 4. what it says, and whether it contradicts itself'
outcome=$(in_statement .predicate.outcome) claim=$(in_statement .predicate.claim)
ok "project $(in_statement .predicate.project.uid), issued $(in_statement .predicate.times.issued)"
ok "outcome: $outcome, claim: $claim"
in_statement '.predicate.media | type == "array"' >/dev/null || fail 'media are missing'
in_statement '.predicate.media[] | "medium \(.mediaId): \(.kind) \(.verification.result), \(.assurance)"' ||
  ok 'no medium was recorded'
in_statement '.predicate.residuals | length > 0' >/dev/null || fail 'residuals are empty'
in_statement '.predicate.residuals[] | "residual \(.class): \(.description)"'
in_statement '.predicate.copies.thirdPartySDEs[] | "environment \(.name): deletion \(if .confirmationDigest then "" else "not " end)confirmed"' ||
  ok 'no other environment received any of it'
in_statement --arg outcome "$outcome" '.predicate.copies.thirdPartySDEs | all(.[]; .confirmationDigest) or $outcome != "destroyed"' >/dev/null ||
  fail "outcome $outcome, but not every environment has confirmed its deletion"
case $outcome in
  destroyed | destroyed-pending)
    in_statement 'all(.predicate.media[]; .verification.result == "gone")' >/dev/null ||
      fail "outcome $outcome, but not every medium is gone"
    same 'claim that deletion supports' delete-only "$claim" ;;
  retained-inaccessible)
    in_statement 'all(.predicate.media[]; .verification.result | . == "gone" or . == "inaccessible")' >/dev/null ||
      fail "outcome $outcome, but not every medium is gone or inaccessible"
    same 'claim that retention supports' inaccessible "$claim" ;;
  failed-partial) ok 'the closure is NOT complete' ;;
  *) fail "unknown outcome $outcome" ;;
esac
printf 'VERIFIED\n'
