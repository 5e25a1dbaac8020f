// Package docs_test holds the documents to the code and to each other.
package docs_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/spec"
)

const root = ".."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents are all Markdown files of the project.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// anchors are the fragments that the headings of a document can be linked by.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, heading[1])
		found[slug] = true
	}
	return found
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	links := 0
	for _, document := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, document), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			links++
			path, fragment, _ := strings.Cut(match[1], "#")
			target := document
			if path != "" {
				target = filepath.Join(filepath.Dir(document), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which does not exist", document, match[1])
				continue
			}
			if fragment != "" && !anchors(read(t, target))[fragment] {
				t.Errorf("%s links to %s, but %s has no such heading", document, match[1], target)
			}
		}
	}
	if links == 0 {
		t.Error("no link was found: the test looks at the wrong files")
	}
}

// keys collects the names that a type has in YAML, and those of what it contains.
func keys(of reflect.Type, into map[string]bool) {
	for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return
	}
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		into[name] = true
		keys(field.Type, into)
	}
}

func TestEveryKeyOfTheDefinitionsIsDocumented(t *testing.T) {
	written := map[string]bool{}
	keys(reflect.TypeFor[spec.Definitions](), written)
	if len(written) < 20 {
		t.Fatalf("only %d keys were found: %v", len(written), written)
	}
	text := read(t, "definitions.md")
	for key := range written {
		if !strings.Contains(text, "`"+key+"`") && !strings.Contains(text, "## "+key) && !strings.Contains(text, key+":") {
			t.Errorf("definitions.md does not mention %s", key)
		}
	}
}

func TestTheExamplesCanBeApplied(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	applied := 0
	for _, document := range []string{"definitions.md", "guard.md", "shadow.md", "rollout.md", "../README.md"} {
		for _, match := range block.FindAllStringSubmatch(read(t, document), -1) {
			if !strings.Contains(match[1], "backends:") {
				continue
			}
			applied++
			defs, source, err := spec.ParseYAML(document, []byte(match[1]))
			if err != nil {
				t.Error(err)
				continue
			}
			if problems := spec.Validate(defs, source); problems != nil {
				t.Error(problems)
			}
		}
	}
	if applied != 5 {
		t.Errorf("%d examples were found, want one in each document", applied)
	}
}

// TestEveryMetricIsDocumented holds the table of operations.md to the names in
// the source.
func TestEveryMetricIsDocumented(t *testing.T) {
	sources, err := filepath.Glob("../internal/telemetry/*.go")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		for _, name := range regexp.MustCompile(`"(strangler_[a-z_]+)"`).FindAllStringSubmatch(read(t, source), -1) {
			made[name[1]] = true
		}
	}
	if len(made) < 30 {
		t.Fatalf("only %d metrics were found: %v", len(made), made)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(strangler_[a-z_]+)").FindAllStringSubmatch(read(t, "operations.md"), -1) {
		documented[row[1]] = true
	}
	for name := range made {
		if !documented[name] {
			t.Errorf("operations.md does not list %s", name)
		}
	}
	for name := range documented {
		if !made[name] {
			t.Errorf("operations.md lists %s, which there is not", name)
		}
	}
}

// TestEveryReasonToSkipIsDocumented holds the table of shadow.md to the reasons
// in the source.
func TestEveryReasonToSkipIsDocumented(t *testing.T) {
	_, section, found := strings.Cut(read(t, "shadow.md"), "\n### Skipped\n")
	if !found {
		t.Fatal("shadow.md has no section Skipped")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+) \\|").FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			documented[name[1]] = true
		}
	}
	made := map[string]bool{}
	for reason := shadow.Reason(0); !strings.Contains(reason.String(), "("); reason++ {
		made[reason.String()] = true
	}
	if len(made) < 20 || !maps.Equal(made, documented) {
		t.Errorf("shadow.md documents\n%v\nand there are\n%v", slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(made)))
	}
}

func TestEveryDecisionIsListed(t *testing.T) {
	pages, err := filepath.Glob("decisions/0*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("pages: %v, %v", pages, err)
	}
	list := read(t, "decisions/README.md")
	for _, page := range pages {
		if !strings.Contains(list, "("+filepath.Base(page)+")") {
			t.Errorf("decisions/README.md does not list %s", page)
		}
		number, _, _ := strings.Cut(filepath.Base(page), "-")
		if !strings.HasPrefix(read(t, page), "# "+number+": ") {
			t.Errorf("%s does not begin with its number", page)
		}
	}
}
