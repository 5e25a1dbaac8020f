package api_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// described is one operation as openapi.yaml describes it.
type described struct {
	name, method, path, role string
	answers                  map[string]any // by status
}

// document is openapi.yaml, read once.
var document = sync.OnceValue(func() map[string]any {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		panic(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		panic(err)
	}
	return plain(doc).(map[string]any)
})

// plain makes numbers what a JSON decoder makes of them.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case uint64:
		return float64(v)
	}
	return value
}

// describedOperations lists every operation of openapi.yaml.
func describedOperations() []described {
	var list []described
	for path, item := range document()["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			o := op.(map[string]any)
			role, _ := o["x-role"].(string)
			list = append(list, described{
				name: o["operationId"].(string), method: strings.ToUpper(method), path: path, role: role,
				answers: o["responses"].(map[string]any),
			})
		}
	}
	return list
}

// find returns the operation that a request is for.
func findDescribed(method, path string) (described, bool) {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
next:
	for _, op := range describedOperations() {
		pattern := strings.Split(op.path, "/")
		if op.method != method || len(pattern) != len(parts) {
			continue
		}
		for i, part := range pattern {
			if part != parts[i] && !strings.HasPrefix(part, "{") {
				continue next
			}
		}
		return op, true
	}
	return described{}, false
}

// validator compiles schemas of openapi.yaml; they are kept.
type validator struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
}

var schemas = sync.OnceValue(func() *validator {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("openapi.json", document()); err != nil {
		panic(err)
	}
	return &validator{compiler: c}
})

func (v *validator) schema(pointer string) (*jsonschema.Schema, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.compiler.Compile("openapi.json#" + pointer)
}

// conforms holds an answer to what openapi.yaml says about it. What is no
// operation at all is answered by a problem.
func conforms(a *answer, method, path string) {
	a.t.Helper()
	pointer := "/components/responses/Error"
	op, known := findDescribed(method, path)
	if known {
		base := "/paths/" + escape(op.path) + "/" + strings.ToLower(method) + "/responses/"
		pointer = base + "default"
		if _, declared := op.answers["200"]; declared && a.status == 200 {
			pointer = base + "200"
		}
	}
	if a.status == http.StatusNoContent {
		if _, declared := op.answers["204"]; !declared || len(a.body) > 0 {
			a.t.Fatalf("%s: 204 with %q, which openapi.yaml does not know", a.what, a.body)
		}
		return
	}
	response := follow(a.t, pointer)
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content, declared := follow(a.t, response+"/content")+"/"+escape(media), false
	for name := range at(a.t, response+"/content").(map[string]any) {
		declared = declared || name == media
	}
	if !declared {
		a.t.Fatalf("%s: %d with the media type %q, which openapi.yaml does not know: %s", a.what, a.status, media, a.body)
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	schema, err := schemas().schema(content + "/schema")
	if err != nil {
		a.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil {
		a.t.Fatalf("%s: %v in %s", a.what, err, a.body)
	}
	if err := schema.Validate(value); err != nil {
		a.t.Fatalf("%s: the answer is not what openapi.yaml promises: %v\n%s", a.what, err, a.body)
	}
}

// at returns what a pointer into openapi.yaml points at.
func at(t *testing.T, pointer string) any {
	t.Helper()
	var value any = document()
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next, found := value.(map[string]any)[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		if !found {
			t.Fatalf("openapi.yaml has no %s", pointer)
		}
		value = next
	}
	return value
}

// follow returns the pointer that a reference at pointer stands for.
func follow(t *testing.T, pointer string) string {
	t.Helper()
	if item, ok := at(t, pointer).(map[string]any); ok {
		if ref, ok := item["$ref"].(string); ok {
			return strings.TrimPrefix(ref, "#")
		}
	}
	return pointer
}

func escape(part string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(part)
}
