"""Documents in YAML or JSON that know where each of their parts stands, so that faults can say so.

A file is read once, over its mistakes, and then asked for what it should hold. Each question takes
what stands at a path, and gives back what it should be; what is wrong is remembered, so that all of
it is told in one go::

    from simtraffic.documents.document import read_document
    from simtraffic.documents.source import read_bytes

    document = read_document(read_bytes("rules.yml"), "rules.yml")
    top = document.mapping(document.data, (), known=["groups"], required=["groups"])
    for index, node in enumerate(document.items(top.get("groups"), ("groups",))):
        path = ("groups", index)
        group = document.mapping(node, path, known=["name", "rules"], required=["name"])
        name = document.text(group.get("name", ""), (*path, "name"))
        if name in taken:
            document.fault((*path, "name"), "a group of this name exists", hint="rename one")
    for fault in document.faults:
        print(fault)

which prints a line for each, such as::

    rules.yml:3:5 groups[0].interwal: unknown key; found "interwal"; did you mean interval?

What a broken value is asked for is told once, as the mistake of form that it is. Whoever wants the
tree itself, with the place of every node, takes ``document.tree``
(:mod:`simtraffic.documents.tree`). Nothing is imported here: names alone (:func:`hint_for
<simtraffic.documents.names.hint_for>`) cost no reader of YAML.
"""
