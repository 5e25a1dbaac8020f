package main

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// curlCommand is one request, written for a shell. Nothing that is in the
// request is read by the shell, by curl as an option or a file name, or by the
// terminal that it is shown on.
type curlCommand struct {
	url     string
	method  string
	host    string
	options string // further ones, each after a space
	headers []wire.HeaderField
	body    []byte

	comments []string // what to know before it is sent
}

// newCurlCommand writes a request for an endpoint of a backend.
func newCurlCommand(request wire.ShadowedRequest, endpoint string) (*curlCommand, error) {
	c := &curlCommand{
		url: strings.TrimSuffix(endpoint, "/") + request.Target, method: request.Method, host: request.Host,
		headers: request.Headers, body: []byte(request.Body),
	}
	if request.BodyBase64 != "" {
		body, err := base64.StdEncoding.DecodeString(request.BodyBase64)
		if err != nil {
			return nil, fmt.Errorf("the exemplar's body is no base64: %w", err)
		}
		c.body = body
	}
	if strings.Contains(request.Target, hiddenPrefix) {
		c.remark("the target holds hidden values: put the real ones in place of hidden:…")
	}
	if strings.Contains(string(c.body), hiddenPrefix) {
		c.remark("the body holds hidden values: put the real ones in place of hidden:…")
	}
	return c, nil
}

func (c *curlCommand) remark(format string, args ...any) {
	c.comments = append(c.comments, fmt.Sprintf(format, args...))
}

// set replaces a header.
func (c *curlCommand) set(name, value string) {
	c.remove(name)
	c.headers = append(c.headers, wire.HeaderField{Name: name, Value: value})
}

func (c *curlCommand) remove(name string) {
	c.headers = slices.DeleteFunc(slices.Clone(c.headers), func(h wire.HeaderField) bool { return strings.EqualFold(h.Name, name) })
}

func (c *curlCommand) has(name string) bool {
	return slices.ContainsFunc(c.headers, func(h wire.HeaderField) bool { return strings.EqualFold(h.Name, name) })
}

// lines are the comments and the command.
func (c *curlCommand) lines() []string {
	words := []string{"curl --silent --show-error --include --globoff --path-as-is" + c.options}
	switch {
	case c.method == "HEAD":
		words[0] += " --head"
	case c.method != "GET" || len(c.body) > 0:
		words[0] += " --request " + term.ShellWord(c.method)
	}
	if c.has("Accept-Encoding") {
		words[0] += " --compressed"
	}
	words = append(words, "--header "+term.ShellWord("Host: "+c.host))
	for _, h := range c.headers {
		if word := c.header(h); word != "" {
			words = append(words, "--header "+word)
		}
	}
	for _, own := range [...]string{"User-Agent", "Accept"} { // what curl would say of its own accord
		if !c.has(own) {
			words[0] += " --header " + own + ":"
		}
	}
	if len(c.body) > 0 {
		data, before := c.data()
		words[0] = before + words[0]
		words = append(words, data)
		if !c.has("Content-Type") {
			words = append(words, "--header Content-Type:")
		}
	}
	words = append(words, term.ShellWord(c.url))
	lines := make([]string, 0, len(c.comments)+1)
	for _, comment := range c.comments {
		lines = append(lines, term.Safe("# "+comment)) // a line break would end the comment
	}
	for i, word := range words[:len(words)-1] {
		words[i] = word + ` \`
	}
	for i := range words[1:] {
		words[i+1] = "  " + words[i+1]
	}
	return append(lines, words...)
}

// header is a header as a word; empty for one that curl says itself, and one
// that cannot be sent. A hidden value is taken from the environment, and
// without it the shell sends nothing.
func (c *curlCommand) header(h wire.HeaderField) string {
	switch {
	case !isToken(h.Name) || strings.ContainsFunc(h.Value, isControl):
		c.remark("left out, since it cannot be sent: header %s", h.Name)
		return ""
	case byConnection(h.Name):
		return ""
	case strings.Contains(h.Value, hiddenPrefix):
		variable := variableFor(h.Name)
		c.remark("header %s was hidden: first %s='its value'", h.Name, variable)
		return fmt.Sprintf(`%s"${%s:?was hidden, set it first}"`, term.ShellWord(h.Name+": "), variable)
	case h.Value == "":
		return term.ShellWord(h.Name + ";") // with a colon curl would send none
	}
	return term.ShellWord(h.Name + ": " + h.Value)
}

// byConnection reports whether a header belongs to the connection, so that curl
// has its own.
func byConnection(name string) bool {
	return slices.ContainsFunc([]string{
		"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	}, func(own string) bool { return strings.EqualFold(own, name) })
}

// isToken reports whether name is a header's name by RFC 9110.
func isToken(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r >= 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}) < 0
}

// isControl reports whether r cannot be in the value of a header.
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// variableFor is the name of the environment variable for a hidden header.
func variableFor(header string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToUpper(r)
		}
		return '_'
	}, header)
	if unicode.IsDigit(rune(name[0])) {
		name = "_" + name
	}
	return name
}

// data is the option that sends the body. One that a shell cannot hold in a
// word, or a terminal not show, comes from printf.
func (c *curlCommand) data() (option, before string) {
	text := string(c.body)
	if term.Safe(text) == text {
		return "--data-raw " + term.ShellWord(text), ""
	}
	format := strings.ReplaceAll(term.Octal(text, `\`, `'`), "%", "%%")
	return "--data-binary @-", "printf '" + format + "' | "
}
