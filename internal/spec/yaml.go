package spec

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth is how deep lists and maps may lie in each other, and how many
// marks may open one line. Definitions need six; the parser takes quadratic
// time, and in the end the whole stack, for what somebody writes to hurt.
const maxDepth = 32

// ParseYAML reads definitions, from YAML or JSON; name is the file that
// problems are reported for. Names are checked here already, because
// everything that comes later finds objects by them; Validate does the rest.
//
// An error is always Problems: everything that is wrong with the text, not
// only the first fault.
func ParseYAML(name string, text []byte) (Definitions, Source, error) {
	src := Source{file: name, objects: map[objectName]written{}, anchors: map[string]ast.Node{}}
	body, problem := parse(name, text)
	if problem != nil {
		return Definitions{}, Source{}, Problems{*problem}
	}
	if body == nil {
		return Definitions{}, src, nil
	}
	var defs Definitions
	r := reader{file: name, anchors: src.anchors}
	r.value(body, "", reflect.ValueOf(&defs).Elem())
	for _, f := range checkNames(defs) {
		path := fieldPath(f.kind, f.index, f.field)
		if !slices.ContainsFunc(r.problems, func(p Problem) bool { return p.Path == path }) {
			r.report(src.walk(body, path), path, f.code, "%s", f.message)
		}
	}
	if len(r.problems) > 0 {
		r.problems.sort()
		return Definitions{}, Source{}, r.problems
	}
	for _, list := range defs.objects() {
		nodes := src.child(body, list.kind+"s")
		for i, name := range list.names {
			src.objects[objectName{list.kind, name}] = written{index: i, node: src.child(nodes, strconv.Itoa(i))}
		}
	}
	return defs, src, nil
}

// parse makes the text a tree; nil when there is nothing in it.
func parse(name string, text []byte) (ast.Node, *Problem) {
	if at := invalidUTF8(text); at >= 0 {
		before := text[:at]
		line := 1 + bytes.Count(before, []byte("\n"))
		return nil, &Problem{
			File: name, Line: line, Column: at - bytes.LastIndexByte(before, '\n'), Code: CodeSyntax,
			Message: fmt.Sprintf("the byte 0x%02x is no UTF-8: save the file as UTF-8", text[at]),
		}
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(string(text), "\ufeff"))
	if deep := tooDeep(tokens); deep != nil {
		return nil, problemAt(name, deep, fmt.Sprintf("more than %d lists or maps lie in each other", maxDepth))
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.GetToken() != nil {
			return nil, problemAt(name, syntax.GetToken(), syntax.GetMessage())
		}
		return nil, &Problem{File: name, Line: 1, Column: 1, Code: CodeSyntax, Message: err.Error()}
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			return nil, problemAt(name, first(doc.Body).GetToken(), "a second document begins here: definitions are one document")
		}
		body = doc.Body
	}
	return body, nil
}

func problemAt(file string, t *token.Token, message string) *Problem {
	return &Problem{File: file, Line: t.Position.Line, Column: t.Position.Column, Code: CodeSyntax, Message: message}
}

// invalidUTF8 is the offset of the first byte that is no UTF-8; -1: all is well.
func invalidUTF8(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
	return -1
}

// tooDeep returns the token at which flow brackets, or the marks at the
// beginning of a line, lie deeper than maxDepth; nil: nowhere.
func tooDeep(tokens token.Tokens) *token.Token {
	var brackets, marks, line int
	for _, t := range tokens {
		if t.Position.Line != line {
			marks, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			marks++
		}
		if brackets > maxDepth || marks > maxDepth {
			return t
		}
	}
	return nil
}
