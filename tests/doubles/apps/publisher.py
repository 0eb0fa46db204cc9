"""A SequentialAgent that is transferred to, in a tree of LlmAgents."""

from google.adk.agents import LlmAgent, ParallelAgent, SequentialAgent

outline = LlmAgent(name="outline", model="gemini-2.5-flash", output_key="outline")
words = LlmAgent(name="words", model="gemini-2.5-flash", output_key="words")
pictures = LlmAgent(name="pictures", model="gemini-2.5-flash", output_key="pictures")
pages = ParallelAgent(name="pages", sub_agents=[words, pictures])
book = SequentialAgent(name="book", description="Makes a book.", sub_agents=[outline, pages])
chat = LlmAgent(name="chat", model="gemini-2.5-flash", description="Chats.")
root_agent = LlmAgent(name="publisher", model="gemini-2.5-flash", sub_agents=[book, chat])
