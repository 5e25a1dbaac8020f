package api

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The table of operations is written by hand, so that it reads as a list; the
// document stays its source.
func TestTheOperationsAreThoseOfTheDocument(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(document, &doc); err != nil {
		t.Fatal(err)
	}
	described := make(map[string]string)
	for path, item := range doc.Paths {
		for method, op := range item {
			if o, ok := op.(map[string]any); ok {
				role, _ := o["x-role"].(string)
				described[o["operationId"].(string)] = strings.ToUpper(method) + " " + path + " " + strings.TrimPrefix(role, "open")
			}
		}
	}
	served := (&server{}).operations()
	for _, op := range served {
		if got, want := op.method+" "+op.path+" "+string(op.role), described[op.name]; got != want {
			t.Errorf("%s is %q, the document says %q", op.name, got, want)
		}
	}
	if len(served) != len(described) {
		t.Errorf("%d operations are served, %d are described", len(served), len(described))
	}
}
