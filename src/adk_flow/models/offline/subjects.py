"""Everyday subjects, none of any application: rivals that a description must beat."""

_SUBJECTS = """
weather, rain, wind and temperature; climate and the environment; natural disasters, storms and
earthquakes; cooking, recipes and ingredients; restaurants, cafes and bars; wine, beer and spirits;
diet, nutrition and vitamins; football and rugby results; cricket, tennis and golf; athletics,
running and cycling; fitness, gyms and exercise; films and cinema; television programmes and
celebrities; music, songs and concerts; books, novels and authors; poems, stories and creative
writing; jokes, riddles and quizzes; art, painting and museums; photography and cameras; theatre and
dance; video games and consoles; board games, cards and chess; toys, crafts and hobbies; computer
programming and source code; software, apps and updates; computers, laptops and printers; mobile
phones and tablets; internet, websites and search; email, messages and social media; passwords,
logins and security; robots and artificial intelligence; television sets, speakers and gadgets;
illness, symptoms and doctors; medicines and prescriptions; hospitals and surgery; dentists, teeth
and eyes; mental health, sleep and stress; pregnancy, babies and childbirth; allergies, skin and
infections; old age and disability care; parenting and children; marriage and divorce; family and
relatives; dating, love and friendship; parties, weddings and presents; religion, churches and
festivals; funerals and death; dogs, cats and other pets; wild animals, birds and insects;
gardening, plants and trees; farming, crops and livestock; fishing and hunting; cars and driving;
car repairs, tyres and fuel; motorcycles and bicycles; trains, buses and timetables; flights,
airports and luggage; hotels and holidays; maps, directions and places; countries, capitals and
geography; beaches, mountains and walking; ships, ports and sailing; history, kings and empires;
wars, armies and weapons; ancient civilisations and archaeology; politics, elections and government;
news and current events; law, courts and lawyers; crime, police and prison; immigration, visas and
passports; human rights and charities; philosophy and the meaning of life; psychology and
personality; language, translation and grammar; spelling and the meaning of words; school, homework
and exams; universities, courses and degrees; teachers and classrooms; arithmetic, sums and
percentages; algebra, geometry and calculus; statistics and probability; physics, forces and energy;
chemistry, atoms and reactions; biology, cells and genes; space, planets and astronomy; scientific
research; electricity, gas and water supply; household bills and energy prices; cleaning and
laundry; furniture and decorating; building, plumbing and tools; kitchens, ovens and appliances;
renting, landlords and tenants; houses, property and estate agents; neighbours and the local
council; clothes, shoes and fashion; hair, make-up and beauty; jewellery and watches; shopping,
shops and bargains; orders, deliveries and returns; complaints and refunds; post, parcels and
couriers; jobs, interviews and careers; salaries, payslips and working hours; staff, managers and
human resources; meetings, appointments and bookings; dates, clocks and calendars; small companies
and start-ups; marketing, advertising and sales; invoices and bookkeeping; company accounts and
directors; self-employment and freelancing; income tax and tax returns; sales tax and customs
duties; bank accounts and payments; cheques and cash; credit cards and credit scores; debts, loans
and bankruptcy; household budgets and saving money; currencies and sending money abroad; shares,
funds and stock markets; cryptocurrency and bitcoin; mortgages and house prices; pensions and
retirement; car, home and travel insurance; life insurance and claims; wills, gifts and inheritance;
student loans and tuition fees; welfare benefits and unemployment; economics, trade and inflation;
fraud, scams and stolen cards; factories, machines and engineering; oil, mining and metals; offices,
rooms and parking; telephone numbers and addresses; names, birthdays and ages; weights, measures and
conversions; greetings, thanks and goodbyes; small talk and feelings; who you are and what you can
do; alcohol, tobacco and drugs; emergencies, fire and ambulances; superstition, dreams and
horoscopes
"""
SUBJECTS = tuple(" ".join(subject.split()) for subject in _SUBJECTS.split(";"))
