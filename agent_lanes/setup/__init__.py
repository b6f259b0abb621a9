"""What agents on this machine are told of the queue, put into their own files and taken out again.

    pieces                            what should stand where            places, texts
    plan.install, uninstall, check    the changes that are needed         plan; pure are formats, marked, members
    apply                             the changes made, each in one step  files, manifest

Every change of a file of the user's is one insertion, or one replacement of what was ours, and the manifest says which:
so it can be undone byte for byte, whatever the user has changed elsewhere in the file. The manifest is written before
the file, as a hint of the store is made before its commit: killed anywhere, what it says of a file that was not
changed yet is found to be so, and dropped.
"""
