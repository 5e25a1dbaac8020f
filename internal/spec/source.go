package spec

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Source remembers where in a text definitions were written, so that what is
// found later, after merging, still carries file, line and column. The zero
// Source knows nothing, and problems then carry their path alone.
type Source struct {
	file    string
	objects map[objectName]written
	anchors map[string]ast.Node
}

type objectName struct{ kind, name string }

// written is where one object stands in the text.
type written struct {
	index int // among its kind
	node  ast.Node
}

// problems looks up where everything that was found is written.
func (s Source) problems(found []finding) Problems {
	var problems Problems
	for _, f := range found {
		problems = append(problems, s.problem(f))
	}
	problems.sort()
	return problems
}

func (s Source) problem(f finding) Problem {
	p := Problem{File: s.file, Code: f.code, Message: f.message}
	index := f.index
	if object, ok := s.objects[objectName{f.kind, f.name}]; ok {
		index = object.index
		position := s.walk(object.node, f.field).GetToken().Position
		p.Line, p.Column = position.Line, position.Column
	}
	if index != absent {
		p.Path = fieldPath(f.kind, index, f.field)
	}
	return p
}

func fieldPath(kind string, index int, field string) string {
	path := fmt.Sprintf("%ss[%d]", kind, index)
	if field != "" {
		path += "." + field
	}
	return path
}

// walk follows a field path like match.headers[1].name as deep as the text
// goes: what is missing is reported at the object that lacks it.
func (s Source) walk(node ast.Node, field string) ast.Node {
	for _, segment := range segments(field) {
		child := s.child(node, segment)
		if child == nil || child.GetToken() == nil {
			break
		}
		node = child
	}
	return first(node)
}

// segments splits match.headers[1].name into match, headers, 1, name.
func segments(field string) []string {
	return strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

func (s Source) child(node ast.Node, segment string) ast.Node {
	switch n := s.resolve(node).(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			if keyText(pair.Key) == segment {
				return pair.Value
			}
		}
	case *ast.SequenceNode:
		if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(n.Values) {
			return n.Values[i]
		}
	}
	return nil
}

// resolve follows an alias to what it stands for.
func (s Source) resolve(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.AnchorNode:
		return s.resolve(n.Value)
	case *ast.AliasNode:
		if target, ok := s.anchors[keyText(n.Value)]; ok {
			return target
		}
	}
	return node
}

// first is the node whose token stands where a person would say that node begins.
func first(node ast.Node) ast.Node {
	if n, ok := node.(*ast.MappingNode); ok && !n.IsFlowStyle && len(n.Values) > 0 {
		return n.Values[0].Key
	}
	return node
}

func keyText(key ast.Node) string {
	if key == nil || key.GetToken() == nil {
		return ""
	}
	return key.GetToken().Value
}
