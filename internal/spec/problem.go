package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The codes of problems, for machines. What routing.Compile finds has the
// codes of routing.InvalidCode.
const (
	CodeSyntax     = "syntax"      // the text is no YAML
	CodeUnknownKey = "unknown_key" // a key that definitions do not have
	CodeDuplicate  = "duplicate"   // a key or a name occurs twice
	CodeType       = "type"        // a list where a word is wanted, and the like
	CodeName       = "name"
	CodeReference  = "reference" // a backend, group or webhook that is not defined
	CodeEndpoint   = "endpoint"
	CodeProtocol   = "protocol" // of a backend: unknown, or contradicted by an endpoint's scheme
	CodeTLS        = "tls"      // of a backend
	CodeTimeout    = "timeout"
	CodeGuard      = "guard"  // of a route or backend, its timeouts aside
	CodeHealth     = "health" // of a backend
	CodeRewrite    = "rewrite"
	CodeShadow     = "shadow"
	CodeRule       = "rule"  // of a route's shadow
	CodeTrust      = "trust" // of a backend, or the field that names its build
	CodePlan       = "plan"
	CodeGate       = "gate"
	CodeWebhook    = "webhook"
	CodeNotify     = "notify"
	CodeKey        = "key"
	CodeSalt       = "salt"
	CodePin        = "pin"       // the side or the key of a pin
	CodeGroup      = "group"     // what a route writes contradicts its group
	CodeCondition  = "condition" // equals and matches at once
	CodeSlash      = "trailing_slash"
	CodeData       = "data"
	CodeInUse      = "in_use"  // routes still name what is to be removed
	CodeExposed    = "exposed" // the change would move traffic, which only verbs do
	CodeMissing    = "missing" // what is to be removed is not defined
	CodeEmpty      = "empty"   // a file that names nothing would remove everything
)

// Problem is one thing that is wrong with definitions.
type Problem struct {
	File         string // empty: the definitions did not come from a text
	Line, Column int    // counted from 1; 0: not in the text
	Path         string // routes[3].match.path, by the order in the text
	Code         string
	Message      string // names the object and the value, says what to write instead
}

// Error is file:line:column: message; without a position, path: message.
func (p Problem) Error() string {
	switch {
	case p.Line > 0:
		return fmt.Sprintf("%s:%d:%d: %s", cmp.Or(p.File, "definitions"), p.Line, p.Column, p.Message)
	case p.Path != "":
		return p.Path + ": " + p.Message
	default:
		return p.Message
	}
}

// Problems is everything that is wrong with definitions, in the order of the
// text. As an error it has one line for each.
type Problems []Problem

// Error is one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// orNil is p as an error; nil when nothing is wrong.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// finding is a problem before its place in the text has been looked up.
type finding struct {
	kind, name string
	index      int    // in the checked definitions; absent: it is not among them
	field      string // match.path; empty: the object as a whole
	code       string
	message    string
}

// absent is the index of an object that is to be removed, or is not defined.
const absent = -1

// findings collects what checks find about one object after the other.
type findings struct {
	kind, name string // of the object that is being checked
	index      int
	list       []finding
	excess     bool // a list is too long: what costs by its length is not tried
}

// object says which object the next findings are about.
func (f *findings) object(kind, name string, index int) {
	f.kind, f.name, f.index = kind, name, index
}

// add notes a problem with a field of the object. The message follows the
// object's kind and name.
func (f *findings) add(field, code, format string, args ...any) {
	f.list = append(f.list, finding{
		kind: f.kind, name: f.name, index: f.index, field: field, code: code,
		message: fmt.Sprintf("%s %q: ", f.kind, f.name) + fmt.Sprintf(format, args...),
	})
}

// tooMany notes a list that is longer than most, and reports whether it is.
func (f *findings) tooMany(field, code string, count, most int) bool {
	if count <= most {
		return false
	}
	f.excess = true
	f.add(field, code, "%s has %d entries: at most %d are allowed", field, count, most)
	return true
}

// didYouMean is the end of a message about an unknown name.
func didYouMean(near []string) string {
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}
