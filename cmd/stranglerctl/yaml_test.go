package main

import (
	"encoding/json"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestYAMLKeepsOrderAndReadsWell(t *testing.T) {
	const document = `[{"name":"orders-get","weight_bp":2500,"hold":{"kind":null,"reason":""},"keys":["mint",{"header":"X-User"}],
		"match":"GET /orders/{id}","none":[],"empty":{},"yes":"yes","no":false,"nested":[[1,2],[]]},7,"x"]`
	const want = `- name: orders-get
  weight_bp: 2500
  hold:
    kind: null
    reason: ""
  keys:
    - mint
    - header: X-User
  match: "GET /orders/{id}"
  none: []
  empty: {}
  "yes": "yes"
  "no": false
  nested:
    - - 1
      - 2
    - []
- 7
- x
`
	got, err := toYAML(json.RawMessage(document))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestYAMLSaysWhatTheJSONSaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.MapOf(
			rapid.StringMatching(`[a-z~#:'" -]{0,4}`), rapid.String()))).Draw(t, "document")
		raw, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		text, err := toYAML(raw)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\nof\n%s", diff, text)
		}
	})
}

func TestYAMLOfHalfADocumentIsAnError(t *testing.T) {
	for _, document := range []string{"", "{", `{"a":`, `[1,`, `{"a":1]`} {
		if text, err := toYAML(json.RawMessage(document)); err == nil {
			t.Errorf("%q became %q", document, text)
		}
	}
}
