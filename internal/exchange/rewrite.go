package exchange

import (
	"maps"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// RewriteDefinition is how the requests of one lane are changed on their way
// to the backend, as CompileRewrite takes it. What is empty changes nothing.
type RewriteDefinition struct {
	Match         routing.Match     // of the route
	StripPrefix   string            // template that Match begins with
	AddPrefix     string            // template of Match's parameters
	Path          string            // template that takes the place of Match's; excludes the other two
	Host          string            // sent in place of the client's Host; with or without a port
	SetHeaders    map[string]string // by name; the client's own value is never sent
	RemoveHeaders []string
}

// Rewrite is a compiled RewriteDefinition. It may be used by any number of goroutines.
//
// What it does to paths is one thing, however it was written: a request's path
// begins with what from stands for, and to takes its place. What lies below
// stays, and in answers the way back is the same with from and to exchanged.
type Rewrite struct {
	match    routing.Template // of the route, to read the parameters
	from, to routing.Template
	moves    bool // from and to differ
	closed   bool // from ends in a slash, as the template /orders/ does: below it lies /orders/42
	host     string
	set      Fields
	remove   []string        // besides what is set
	hidden   map[string]bool // what is set or removed: disguised ones of the client's are dropped as well
	faulty   bool
}

// CompileRewrite compiles a definition and says all that is wrong with it. A
// Rewrite with faults forwards nothing: what the backend should have been sent
// is not known. Faults of Match are routing.Compile's to report.
func CompileRewrite(def RewriteDefinition) (*Rewrite, []RewriteFault) {
	var faults rewriteFaults
	r := &Rewrite{host: def.Host, set: make(Fields, len(def.SetHeaders)), hidden: make(map[string]bool, len(def.SetHeaders)+len(def.RemoveHeaders))}
	if match, err := def.Match.Template(); err == nil {
		r.compilePath(&def, match, &faults)
	} else {
		r.faulty = true
	}
	faults.checkHost(def.Host)
	faults.checkHeaders(&def)
	for name, value := range def.SetHeaders {
		name = canonical(name)
		r.set[name], r.hidden[name] = []string{value}, true
	}
	for _, name := range def.RemoveHeaders {
		name = canonical(name)
		r.remove, r.hidden[name] = append(r.remove, name), true
	}
	r.faulty = r.faulty || len(faults) > 0
	return r, faults
}

// compilePath finds from and to.
func (r *Rewrite) compilePath(def *RewriteDefinition, match routing.Template, faults *rewriteFaults) {
	r.match = match
	if def.Path != "" {
		if def.StripPrefix+def.AddPrefix != "" {
			faults.add("path", "path is %q, which says all about the path: leave strip_prefix and add_prefix out", def.Path)
			return
		}
		like := routing.Match{Path: def.Path, TrailingSlash: def.Match.TrailingSlash}
		if def.Match.Prefix != "" {
			like = routing.Match{Prefix: def.Path}
		}
		to := faults.template("path", like, match)
		r.from, r.to = routing.WithoutCommonTail(match, to)
	} else {
		r.from = faults.stripped(def.StripPrefix, match)
		r.to = faults.prefix("add_prefix", def.AddPrefix, match)
	}
	r.moves = r.from.Depth()+r.to.Depth() > 0
	r.closed = strings.HasSuffix(def.Match.Path, "/") && r.from.Depth() == match.Depth()
}

// Rewritten is one request as the backend gets it, and the way back for what
// the backend answers.
type Rewritten struct {
	Target Target
	Host   string

	rule       *Rewrite
	exchange   *Exchange
	clientPath string             // in normal form
	parameters routing.Parameters // of the client's path
}

// Rewrite says what the lane's backend is sent of a request to target.
func (x *Exchange) Rewrite(rule *Rewrite, target Target) (*Rewritten, *Problem) {
	if rule.faulty {
		return nil, unreadableRewrite(x.Assignment.Side.String())
	}
	w := &Rewritten{Target: target, Host: x.Host, rule: rule, exchange: x, clientPath: target.Path}
	if rule.host != "" {
		w.Host = rule.host
	}
	if !rule.moves {
		return w, nil // the path stays as the client wrote it, byte for byte
	}
	w.parameters = routing.Parameters{}
	_, ok := rule.match.Read(target.Path, w.parameters)
	rest, starts := rule.from.Read(target.Path, w.parameters)
	if !ok || !starts {
		return nil, Internal() // the route would not have matched
	}
	path := orRoot(rule.to.Write(w.parameters) + rest)
	// A value between literals, or two side by side, can add up to "..".
	if normal, err := routing.NormalizePath(path); err != nil || normal != path {
		return nil, badTarget("the path it is rewritten to contains a dot segment")
	}
	w.Target.Raw, w.Target.Path = path, path
	return w, nil
}

// Refused says what comes after a request that cannot be rewritten as its lane
// demands. It says nothing about the backend, which never saw it.
func (x *Exchange) Refused(p *Problem) Next {
	x.Class = guard.ClientFault
	return Next{Do: Answer, Problem: p}
}

// Request changes the fields that OutboundRequest returned.
func (w *Rewritten) Request(out Fields) {
	for name := range out {
		if !plainName(name) && w.rule.hidden[folded(name)] {
			delete(out, name)
		}
	}
	for _, name := range w.rule.remove {
		delete(out, name)
		if name == "User-Agent" {
			out[name] = nil // as in OutboundRequest
		}
	}
	maps.Copy(out, w.rule.set)
}

// TrailerPasses reports whether a field may travel behind the request's body:
// not one that is set or removed, for some servers take trailers for fields of
// the head. A nil Rewritten forbids none.
func (w *Rewritten) TrailerPasses(name string) bool {
	return w == nil || !w.rule.hidden[folded(name)]
}

// Response maps the URLs and cookies among the fields that InboundResponse
// filled in back to what the client asked for. The backend's own are not touched.
func (w *Rewritten) Response(out Fields) {
	if !w.rule.moves && w.rule.host == "" {
		return
	}
	for _, name := range [...]string{"Location", "Content-Location"} {
		mapEach(out, name, w.reference)
	}
	mapEach(out, "Set-Cookie", w.cookie)
}

// mapEach replaces the values of a field; their slice is shared.
func mapEach(out Fields, name string, change func(string) string) {
	if len(out[name]) == 0 {
		return
	}
	values := slices.Clone(out[name])
	for i, value := range values {
		values[i] = change(value)
	}
	out[name] = values
}

// back returns the client's path for one of the backend's, both in normal
// form; false: the client has none for it. Parameters that the backend's path
// does not carry are those of the request.
func (w *Rewritten) back(path string) (string, bool) {
	values := maps.Clone(w.parameters)
	rest, ok := w.rule.to.Read(path, values)
	if !ok {
		return path, false
	}
	head := w.rule.from.Write(values)
	if w.rule.closed && rest != "" {
		head = strings.TrimSuffix(head, "/")
	}
	return orRoot(head + rest), true
}

// orRoot is what a client sends in place of an empty path.
func orRoot(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
