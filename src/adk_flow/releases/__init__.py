"""The same conversation under several ADK releases, each in an environment of its own.

An environment is made once and kept (`environments`). In it a process of its own holds the
conversation (`runner` starts `worker`). What its flow log shows of hooks (`hook_trace`) is
laid beside the others' (`alignment`), and what is not the same is named (`differences`).
"""
